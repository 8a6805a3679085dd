// SPDX-License-Identifier: BSL-1.0
// The reading archive, as far as it does not depend on the types read.
#include <ferry/detail/archive/members.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/forking_iarchive.hpp>

#include "archive/bare_format.hpp"
#include "archive/envelope.hpp"
#include "archive/raise_limit.hpp"
#include "archive/table_of.hpp"
#include "base/peer_memory.hpp"
#include "os/handle.hpp"
#include "os/stack.hpp"

#include <boost/archive/archive_exception.hpp>
#include <boost/core/demangle.hpp>
#include <gsl/narrow>

#include <algorithm>
#include <exception>
#include <limits>

namespace ferry {
namespace {

using detail::table_of;

}  // namespace

forking_iarchive::forking_iarchive(message from, const archive_options& options,
                                   const detail::type_identity* expected)
    : storage_(from.take_buffer()),
      begin_(storage_.data()),
      here_(begin_),
      end_(begin_ + storage_.size()),
      options_(options),
      depth_left_(options.limit.depth),
      objects_left_(options.limit.objects),
      handles_left_(options.limit.handles) {
  handles_.fill(from.take_handles());
  read_envelope(handles_.slots.size(), expected);
}

forking_iarchive::forking_iarchive(std::span<const std::byte> from, const archive_options& options,
                                   const detail::type_identity* expected)
    : begin_(from.data()),
      here_(begin_),
      end_(begin_ + from.size()),
      options_(options),
      depth_left_(options.limit.depth),
      objects_left_(options.limit.objects),
      handles_left_(options.limit.handles) {
  read_envelope(0, expected);
}

void forking_iarchive::read_type(const detail::envelope& head, const detail::type_identity* expected) {
  const std::size_t size = head.name_size;
  const std::byte* const from = take(size);
  label_hash_ = head.type_hash;
  label_is_cut_ = (head.flags & detail::envelope::flag_cut) != 0;
  if (expected != nullptr && label_hash_ == expected->label.hash && size == expected->label.text.size() &&
      std::memcmp(from, expected->label.text.data(), size) == 0) {
    type_ = expected;
    return;
  }
  type_name_.assign(reinterpret_cast<const char*>(from), size);
  if (!label_is_cut_ && detail::hash_name(type_name_) != label_hash_)
    fail("the hash of the type's name is not that of its name");
  if (const std::size_t end = type_name_.find('\n'); end != type_name_.npos) {
    members_ = type_name_.substr(end + 1);
    type_name_.resize(end);
  }
}

void forking_iarchive::compare_members(const detail::type_identity& here) const {
  if (members_ == here.members) return;
  const std::string difference = detail::difference_of_members(members_, here, override_mask_, label_is_cut_);
  if (!difference.empty()) throw type_mismatch(type_name(), here.name, difference);
}

forking_iarchive::forking_iarchive(std::span<const std::byte> from, std::vector<unique_handle> handles,
                                   std::uint32_t format, const archive_options& options)
    : begin_(from.data()),
      here_(begin_),
      end_(begin_ + from.size()),
      options_(options),
      depth_left_(options.limit.depth),
      objects_left_(options.limit.objects),
      handles_left_(options.limit.handles) {
  handles_.fill(std::move(handles));
  check_size();
  check_handle_count(handles_.slots.size());
  if ((format & detail::bare_format::has_overrides) != 0) read_raw(override_mask_);
  read_versions(format & detail::bare_format::version_count);
}

void forking_iarchive::check_size() const {
  if (remaining() > options_.limit.bytes) {
    throw limit_exceeded("the message has " + std::to_string(remaining()) +
                         " bytes, more than limits::bytes, which is " + std::to_string(options_.limit.bytes) +
                         ": " + detail::raise_limit("bytes"));
  }
}

void forking_iarchive::check_handle_count(std::size_t count) const {
  if (count > options_.limit.handles) {
    throw limit_exceeded("the message has " + std::to_string(count) +
                         " handles, more than limits::handles, which is " +
                         std::to_string(options_.limit.handles) + ": " + detail::raise_limit("handles"));
  }
}

// They stand at the end.
void forking_iarchive::read_versions(std::uint32_t count) {
  if (count > remaining() / sizeof(detail::class_version))
    throw_truncated(std::size_t{count} * sizeof(detail::class_version));
  const std::size_t size = std::size_t{count} * sizeof(detail::class_version);
  const std::span<const std::byte> all(end_ - size, size);
  end_ -= size;
  has_versions_ = count != 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = detail::copy_out<detail::class_version>(all, i * sizeof(detail::class_version));
    versions_.emplace_back(std::uint64_t{entry.type_hash}, std::uint32_t{entry.version});
  }
  std::sort(versions_.begin(), versions_.end());
}

void forking_iarchive::read_envelope(std::size_t handles, const detail::type_identity* expected) {
  check_size();
  detail::envelope head;
  if (remaining() < sizeof head) {
    fail("these " + std::to_string(remaining()) + " bytes are no message of Ferry: its head alone takes " +
         std::to_string(sizeof head) + "; was it sent with send_bytes?");
  }
  head = read_once<detail::envelope>();
  if (head.magic != detail::envelope::magic_bytes)
    fail("these bytes are no message of Ferry: they do not begin with FRY1; were they sent with send_bytes?");
  if (head.version != detail::envelope::current_version) {
    fail("the message is of version " + std::to_string(head.version) + ", this library reads version " +
         std::to_string(detail::envelope::current_version));
  }
  using flags = detail::envelope;
  if ((head.flags & ~(flags::flag_overrides | flags::flag_cut)) != 0)
    fail("the head of the message has bits set that mean nothing in this version");
  if ((head.flags & flags::flag_overrides) != 0) {
    read_raw(override_mask_);
    if (override_mask_ == 0) fail("the message announces overrides, but none");
  }
  read_type(head, expected);
  const std::uint64_t versions_size = std::uint64_t{head.version_count} * sizeof(detail::class_version);
  if (versions_size > remaining() || head.body_size != remaining() - versions_size) {
    fail("after its name the message has " + std::to_string(remaining()) + " bytes, its head says " +
         std::to_string(head.body_size) + " and " + std::to_string(versions_size) + " for versions");
  }
  read_versions(head.version_count);
  check_handle_count(head.handle_count);
  if (head.handle_count != handles) {
    fail("the message says that it has " + std::to_string(head.handle_count) + " handles, " +
         std::to_string(handles) + " came with it");
  }
}

std::uint64_t forking_iarchive::read_long_size() {
  std::uint64_t size = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const unsigned byte = read_byte();
    const std::uint64_t bits = byte & 0x7FU;
    if (shift == 63 && bits > 1) break;
    size |= bits << shift;
    if ((byte & 0x80U) == 0) return size;
  }
  fail("a size does not fit into 64 bits");
}

std::size_t forking_iarchive::read_collection_size() {
  if (counts_at_depth_ == depth_left_) return read_count();
  const std::uint64_t size = read_size();
  if (size > std::numeric_limits<std::size_t>::max())
    fail("a size of " + std::to_string(size) + " does not fit into this machine's std::size_t");
  return gsl::narrow<std::size_t>(size);
}

const std::string* forking_iarchive::read_optional_name() {
  const std::uint64_t index = read_size();
  if (index == 0) return nullptr;
  if (index == 1) {
    const std::size_t size = read_count();
    const std::byte* const text = take(size);
    return &names_.emplace_back(reinterpret_cast<const char*>(text), size);
  }
  if (index - 2 >= names_.size()) {
    fail("name " + std::to_string(index - 2) + " is used before it is written; so far there are " +
         std::to_string(names_.size()));
  }
  return &names_[gsl::narrow<std::size_t>(index) - 2];
}

const std::string& forking_iarchive::read_name() {
  const std::string* const name = read_optional_name();
  if (name == nullptr) fail("an object that must be preceded by a name is not");
  return *name;
}

void forking_iarchive::register_entry(const detail::dispatch_entry& entry) {
  get_helper<detail::registered_types>().entries.push_back(&entry);
}

void forking_iarchive::expect_name(std::string_view expected) {
  const std::string& name = read_name();
  if (name != expected) throw type_mismatch(name, std::string(expected));
}

unique_handle forking_iarchive::read_handle() {
  const auto index = read_once<std::uint32_t>();
  const auto uses = read_once<std::uint16_t>();
  if (index >= handles_.slots.size()) {
    fail("handle " + std::to_string(index) + " is asked for, and the message has " +
         std::to_string(handles_.slots.size()));
  }
  claimable_handle& slot = handles_.slots[index];
  const bool first = uses != 0;
  if (first == slot.claimed) {
    fail("handle " + std::to_string(index) +
         (first ? " is claimed a second time as if for the first" : " is used again before it is claimed"));
  }
  if (first) {
    slot.claimed = true;
    slot.uses_left = uses;
  }
  if (slot.uses_left == 0)
    fail("handle " + std::to_string(index) + " is used more often than the message said");
  --slot.uses_left;
  if (handles_left_ == 0) {
    throw limit_exceeded("the handles of the message are used more often than limits::handles, which is " +
                             std::to_string(options_.limit.handles) + ": " + detail::raise_limit("handles"),
                         offset());
  }
  --handles_left_;
  // What is to linger when it is closed is kept until it is clear that the value comes into being. Where it
  // does not, its part of it is closed first, and this one without waiting.
  const bool keep = slot.uses_left != 0 || os::lingers(slot.handle);
  return keep ? duplicate(slot.handle) : std::move(slot.handle);
}

void forking_iarchive::handle_table::fill(std::vector<unique_handle> handles) {
  slots.reserve(handles.size());
  for (unique_handle& handle : handles) slots.push_back({std::move(handle)});
}

void forking_iarchive::handle_table::clear() noexcept {
  const bool failed = std::uncaught_exceptions() > exceptions;
  for (claimable_handle& slot : slots) {
    const bool given = slot.claimed && slot.uses_left == 0 && !failed;
    if (slot.handle.valid() && !given) os::discard(std::move(slot.handle));
  }
  slots.clear();
}

const detail::dispatch_entry* forking_iarchive::read_override(const std::type_info& type,
                                                              std::uint64_t type_hash) {
  if ((override_mask_ & detail::mask_bit(type_hash)) == 0) return nullptr;
  const std::string* const name = read_optional_name();
  if (name == nullptr) return nullptr;
  const detail::dispatch_entry& entry = entry_named(*name);
  if (entry.type() != type) throw type_mismatch(entry.name(), boost::core::demangle(type.name()));
  if (!entry.overrides()) {
    throw name_error("the message holds a " + entry.name() +
                         " as a reducer of its writer gave it, and here no dispatch table in reach has a "
                         "reducer under that name, only the name: add it with reduce and rebuild",
                     entry.name());
  }
  return &entry;
}

const detail::dispatch_entry* forking_iarchive::find_entry(std::string_view name) const {
  if (const detail::dispatch_entry* const entry = table_of(options_).find(name)) return entry;
  if (helpers_) {
    for (const detail::dispatch_entry* const entry : helpers_->get<detail::registered_types>(nullptr).entries)
      if (entry->name() == name) return entry;
  }
  return nullptr;
}

const detail::dispatch_entry& forking_iarchive::entry_named(std::string_view label) const {
  const std::size_t end = std::min(label.find('\n'), label.size());  // of the name; behind it are the members
  const detail::dispatch_entry* const entry = find_entry(label.substr(0, end));
  if (entry != nullptr) {
    if (end != label.size() && label != entry->label().text) {
      const std::string_view members = label.substr(end + 1);
      const std::string difference = detail::difference_of_members(
          members, entry->form(), override_mask_, members.size() == detail::type_label::most_members);
      if (!difference.empty()) throw type_mismatch(entry->name(), entry->name(), difference);
    }
    return *entry;
  }
  const std::string name(label.substr(0, end));
  throw name_error("no dispatch table in reach knows '" + name +
                       "': add it, e.g. dispatch_table::global().add<...>(\"" + name +
                       "\"), before such messages are read",
                   name);
}

std::uint32_t forking_iarchive::version_of(const detail::type_identity& type, std::uint32_t known) const {
  const auto found = std::lower_bound(versions_.begin(), versions_.end(), std::pair(type.hash, 0U));
  if (found != versions_.end() && found->first == type.hash) {
    const std::uint32_t version = found->second;
    if (version <= known) return version;
    fail("version " + std::to_string(version) + " of " + type.name + " is newer than version " +
         std::to_string(known) + " here: rebuild this program with the newer class");
  }
  return 0;
}

std::size_t forking_iarchive::add_shared() {
  shared_.emplace_back();
  return shared_.size() - 1;
}

const std::ptrdiff_t* forking_iarchive::find_upcast(const std::type_info& derived,
                                                    const std::type_info& base) const {
  for (const known_upcast& known : upcasts_) {
    if (*known.derived == derived && *known.base == base) return &known.offset;
  }
  return nullptr;
}

void forking_iarchive::finish() const {
  if (remaining() != 0) fail(std::to_string(remaining()) + " bytes are left over after the value");
}

void forking_iarchive::drop_objects() noexcept {
  helpers_.reset();
  shared_.clear();
  handles_.clear();
}

void forking_iarchive::give_up() {
  for (const detail::shared_slot& slot : shared_) {
    if (slot.object && slot.clear != nullptr) slot.clear(slot.object.get());
  }
  try {
    throw;
  } catch (const boost::archive::archive_exception& problem) {  // from Boost's own loaders
    fail(problem.what());
  }
}

void forking_iarchive::fail(const std::string& what) const {
  throw archive_error(what, offset());
}

void forking_iarchive::throw_count(std::uint64_t count, std::size_t min_size) const {
  fail("a count of " + std::to_string(count) + " elements of at least " + std::to_string(min_size) +
       " bytes each does not fit into the " + std::to_string(remaining()) + " bytes that are left");
}
void forking_iarchive::throw_truncated(std::size_t wanted) const {
  fail("the message ends too early: " + std::to_string(wanted) + " bytes are to be read and " +
       std::to_string(remaining()) + " are left");
}
void forking_iarchive::check_depth() const {
  if (depth_left_ == 0) throw limit_exceeded(detail::deeper_than(options_.limit.depth), offset());
  // Not at the top of a message: the first look of a process takes long.
  if (depth_left_ != options_.limit.depth) check_stack();
}
void forking_iarchive::check_stack() const {
  if (os::stack_is_scarce()) throw limit_exceeded(detail::stack_used_up(), offset());
}
void forking_iarchive::throw_too_many_objects() const {
  throw limit_exceeded("the message has more objects than limits::objects, which is " +
                           std::to_string(options_.limit.objects) + ": " + detail::raise_limit("objects"),
                       offset());
}
void forking_iarchive::throw_no_base(const std::type_info& type, const std::type_info& base) const {
  throw type_mismatch(boost::core::demangle(type.name()),
                      "something derived from " + boost::core::demangle(base.name()));
}

}  // namespace ferry
