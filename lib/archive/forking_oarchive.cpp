// SPDX-License-Identifier: BSL-1.0
// The writing archive, as far as it does not depend on the types written.
#include <ferry/dispatch_table.hpp>
#include <ferry/forking_oarchive.hpp>

#include "archive/bare_format.hpp"
#include "archive/envelope.hpp"
#include "archive/raise_limit.hpp"
#include "archive/table_of.hpp"
#include "os/handle.hpp"
#include "os/stack.hpp"

#include <boost/core/demangle.hpp>
#include <gsl/narrow>

#include <limits>
#include <string>
#include <unordered_map>

namespace ferry {
namespace {

using detail::table_of;

std::string more_than(const char* limit, std::size_t value) {
  return "the message has more than limits::" + std::string(limit) + ", which is " + std::to_string(value) +
         ": there are " + std::to_string(value + 1) + " at least; " + detail::raise_limit(limit);
}

}  // namespace

struct forking_oarchive::tables {
  struct handle_use {
    std::size_t index;       // in `handles`
    std::size_t uses_place;  // where in the buffer the number of uses stands
    std::uint16_t uses;
  };
  struct shared_key {
    const void* address;
    const std::type_info* type;
    bool operator==(const shared_key& other) const {
      return address == other.address && *type == *other.type;
    }
  };
  struct shared_key_hash {
    std::size_t operator()(const shared_key& key) const noexcept {
      return std::hash<const void*>()(key.address);
    }
  };

  std::vector<unique_handle> handles;
  std::unordered_map<native_handle_type, handle_use> handle_uses;
  std::vector<std::string_view> names;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> versions;  // by hash of the type's name
  // Holds on to what it has written: were an object freed meanwhile, another could take its address.
  std::unordered_map<shared_key, std::pair<std::uint64_t, std::shared_ptr<const void>>, shared_key_hash>
      shared;
};

void forking_oarchive::drop_tables::operator()(tables* dropped) const noexcept {
  delete dropped;
}

forking_oarchive::tables& forking_oarchive::used_tables() {
  if (!tables_) tables_.reset(new tables);
  return *tables_;
}

std::vector<unique_handle> forking_oarchive::take_handles() noexcept {
  return tables_ ? std::move(tables_->handles) : std::vector<unique_handle>();
}

forking_oarchive::forking_oarchive(std::string_view label, std::uint64_t hash, bool is_cut,
                                   const archive_options& options)
    : buffer_(options.memory),
      options_(options),
      override_mask_(table_of(options).override_mask()),
      depth_left_(options.limit.depth),
      objects_left_(options.limit.objects),
      handles_left_(options.limit.handles) {
  detail::envelope head;
  if (override_mask_ != 0) head.flags |= detail::envelope::flag_overrides;
  if (is_cut) head.flags |= detail::envelope::flag_cut;
  if (label.size() > std::numeric_limits<std::uint16_t>::max()) {
    throw archive_error("the name of a type takes " + std::to_string(label.size()) +
                        " bytes, more than the 65535 that a message has room for: give it a shorter one, "
                        "with dispatch_table::add");
  }
  head.name_size = gsl::narrow<std::uint16_t>(label.size());
  head.type_hash = hash;
  write_raw(head);
  if (override_mask_ != 0) write_raw(override_mask_);
  buffer_.append(label.data(), label.size());
  body_ = buffer_.size();
}

message forking_oarchive::finish() {
  const std::uint64_t body_size = buffer_.size() - body_;
  const std::uint32_t version_count = write_versions();
  std::vector<unique_handle> handles = take_handles();
  // Field by field: a head that is copied, changed and copied back is read wider than it was written, which
  // processors wait for.
  std::byte* const head = buffer_.data();
  detail::store(head + offsetof(detail::envelope, body_size), body_size);
  detail::store(head + offsetof(detail::envelope, handle_count), gsl::narrow<std::uint32_t>(handles.size()));
  detail::store(head + offsetof(detail::envelope, version_count), version_count);
  return message(std::move(buffer_), std::move(handles));
}

forking_oarchive::forking_oarchive(buffer storage, const archive_options& options, std::size_t keep)
    : buffer_(std::move(storage)),
      options_(options),
      override_mask_(table_of(options).override_mask()),
      depth_left_(options.limit.depth),
      objects_left_(options.limit.objects),
      handles_left_(options.limit.handles),
      begin_(keep) {
  buffer_.truncate(keep);
  if (override_mask_ != 0) write_raw(override_mask_);
}

message forking_oarchive::finish_bare() {
  const std::uint32_t versions = write_versions();
  return message(std::move(buffer_), take_handles(),
                 versions | (override_mask_ != 0 ? detail::bare_format::has_overrides : 0));
}

std::uint32_t forking_oarchive::write_versions() {
  std::size_t count = 0;
  if (tables_) {
    count = tables_->versions.size();
    for (const auto& [type_hash, version] : tables_->versions) {
      write_raw(detail::class_version{type_hash, version});
    }
  }
  const std::size_t size = buffer_.size() - begin_;
  if (size > options_.limit.bytes) throw_too_large(size);
  return gsl::narrow<std::uint32_t>(count);
}

void forking_oarchive::note_version(const detail::type_identity& type, std::uint32_t version) {
  auto& versions = used_tables().versions;
  for (const auto& [type_hash, noted] : versions) {
    if (type_hash != type.hash) continue;
    if (noted == version) return;
    throw name_error("two classes are both called '" + type.name + "', and have versions " +
                         std::to_string(noted) + " and " + std::to_string(version) + ": rename one",
                     type.name);
  }
  versions.emplace_back(type.hash, version);
}

void forking_oarchive::write_large_block(const void* bytes, std::size_t count) {
  const std::size_t size = buffer_.size() - begin_, most = options_.limit.bytes;
  if (size > most || count > most - size) throw_too_large(size + count);
  buffer_.append(bytes, count);
}

void forking_oarchive::write_long_size(std::uint64_t size) {
  for (; size >= 0x80; size >>= 7U) *buffer_.extend(1) = static_cast<std::byte>(size | 0x80U);
  *buffer_.extend(1) = static_cast<std::byte>(size);
}

// A name on the wire is 0 for none, 1 for one that is written out here, n for the (n-1)th that was.
void forking_oarchive::write_name(std::string_view name) {
  auto& names = used_tables().names;
  for (std::size_t i = 0; i != names.size(); ++i) {
    if (names[i] == name) {
      write_size(i + 2);
      return;
    }
  }
  names.push_back(name);
  write_size(1);
  write_size(name.size());
  write_block(name.data(), name.size());
}

// A handle on the wire is its index and, at its first use, how often it is used; 0 at the later ones.
void forking_oarchive::write_handle(handle_view handle) {
  if (!handle.valid()) throw archive_error("an empty handle cannot be written: it was moved from, or closed");
  tables& used = used_tables();
  if (const auto known = used.handle_uses.find(handle.native()); known != used.handle_uses.end()) {
    tables::handle_use& use = known->second;
    // The number may have been closed and given to another object while this message was written.
    if (use.uses < std::numeric_limits<std::uint16_t>::max() &&
        os::same_object(used.handles[use.index], handle)) {
      ++use.uses;
      std::memcpy(buffer_.data() + use.uses_place, &use.uses, sizeof use.uses);
      write_raw(gsl::narrow<std::uint32_t>(use.index));
      write_raw(std::uint16_t{0});
      return;
    }
  }
  if (handles_left_ == 0) throw limit_exceeded(more_than("handles", options_.limit.handles));
  used.handles.push_back(duplicate(handle));
  --handles_left_;
  const std::size_t index = used.handles.size() - 1;
  write_raw(gsl::narrow<std::uint32_t>(index));
  used.handle_uses[handle.native()] = {index, buffer_.size(), 1};
  write_raw(std::uint16_t{1});
}

std::pair<std::uint64_t, bool> forking_oarchive::share(std::shared_ptr<const void> object,
                                                       const std::type_info& type) {
  auto& shared = used_tables().shared;
  const tables::shared_key key{object.get(), &type};
  const auto [entry, is_new] = shared.try_emplace(key, shared.size() + 1, std::move(object));
  return {entry->second.first, is_new};
}

bool forking_oarchive::save_override(const std::type_info& type, std::uint64_t type_hash,
                                     const void* object) {
  if ((override_mask_ & detail::mask_bit(type_hash)) == 0) return false;
  const detail::dispatch_entry* const entry = table_of(options_).find_override(type);
  if (entry == nullptr) {
    write_no_name();
    return false;
  }
  write_name(entry->label().text);
  entry->save(*this, object);
  return true;
}

const detail::dispatch_entry& forking_oarchive::entry_for(const std::type_info& type) const {
  if (const detail::dispatch_entry* const entry = table_of(options_).find(type)) return *entry;
  if (helpers_) {
    for (const detail::dispatch_entry* const entry : helpers_->get<detail::registered_types>(nullptr).entries)
      if (entry->type() == type) return *entry;
  }
  const std::string name = boost::core::demangle(type.name());
  throw name_error("no dispatch table in reach has an entry for " + name +
                       ": add one, e.g. dispatch_table::global().add<" + name + ">(\"" + name +
                       "\"), in the writer and in the reader",
                   name);
}

void forking_oarchive::register_entry(const detail::dispatch_entry& entry) {
  get_helper<detail::registered_types>().entries.push_back(&entry);
}

void forking_oarchive::check_guard(const std::type_info& type) const {
  if (options_.mode == transfer::inherit && !is_spawning()) detail::throw_spawning_error(type);
}

void forking_oarchive::throw_too_large(std::size_t size) const {
  throw limit_exceeded("the message has " + std::to_string(size) +
                       " bytes, more than limits::bytes, which is " + std::to_string(options_.limit.bytes) +
                       ": " + detail::raise_limit("bytes"));
}
void forking_oarchive::check_depth() const {
  if (depth_left_ == 0) throw limit_exceeded(detail::deeper_than(options_.limit.depth));
  // Not at the top of a message: the first look of a process takes long.
  if (depth_left_ != options_.limit.depth) check_stack();
}
void forking_oarchive::check_stack() const {
  if (os::stack_is_scarce()) throw limit_exceeded(detail::stack_used_up());
}
void forking_oarchive::throw_too_many_objects() const {
  throw limit_exceeded(more_than("objects", options_.limit.objects));
}

}  // namespace ferry
