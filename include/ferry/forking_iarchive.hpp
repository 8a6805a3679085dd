// SPDX-License-Identifier: BSL-1.0
// The reading archive: a message from anywhere to values.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/detail/archive/helpers.hpp>
#include <ferry/detail/archive/nesting.hpp>
#include <ferry/detail/archive/traits.hpp>
#include <ferry/detail/base/copy.hpp>
#include <ferry/message.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {
class dispatch_entry;
struct envelope;
template <class T>
const dispatch_entry& entry_by_own_name();
template <class T>
void load_into(forking_iarchive& archive, T& value);

/// Who counts the pointers to a shared object: pointers of the one kind cannot own what the other counts.
enum class shared_by { control_block, object };

/// An object that several `shared_ptr` of a message point to.
struct shared_slot {
  std::shared_ptr<void> object;  // null while the object is still being built from its arguments
  const std::type_info* type = nullptr;
  void (*throw_pointer)(void*) = nullptr;  // throws the pointer as what it is, for conversion to a base
  void (*clear)(void*) = nullptr;          // makes the object let go of what it points to
  shared_by counted = shared_by::control_block;
  std::shared_ptr<void> boost_owner =
      {};  // the boost::shared_ptr<void> with which all of Boost's share the count
};
}  // namespace detail

/// Reads values from a message. Models Boost.Serialization's Loading Archive concept.
///
/// Trusts nothing: every length is checked against the bytes that remain before memory is allocated, budgets
/// are on (`limits`), no byte is read twice (another process may still be able to write them), each handle is
/// claimed as often as the writer said and not more. If reading throws, all handles of the message that were
/// not yet claimed are closed with the archive. Not thread-safe.
class forking_iarchive {
 public:
  using is_saving = boost::mpl::bool_<false>;
  using is_loading = boost::mpl::bool_<true>;

  /// @throws archive_error  when the bytes are no message, or another number of handles came than was sent
  /// @param expected  what the message most likely holds: its name need not be copied and hashed then
  explicit forking_iarchive(message from, const archive_options& options = {},
                            const detail::type_identity* expected = nullptr);
  /// Reads bytes that the archive does not own and that came without handles.
  explicit forking_iarchive(std::span<const std::byte> from, const archive_options& options = {},
                            const detail::type_identity* expected = nullptr);
  /// For carriers: reads a message without an envelope, whose bytes the archive does not own.
  /// @param format  that of the message
  forking_iarchive(std::span<const std::byte> from, std::vector<unique_handle> handles, std::uint32_t format,
                   const archive_options& options);

  /// What the message is said to hold.
  const std::string& type_name() const noexcept { return type_ != nullptr ? type_->name : type_name_; }
  /// @throws type_mismatch  saying which, when the message says that its type has other members than that one
  void check_members(const detail::type_identity& here) const { check_members(here, here.label); }
  /// @param label  with the name that the type has in a table
  void check_members(const detail::type_identity& here, const detail::type_label& label) const {
    if (label_hash_ != label.hash) compare_members(here);
  }

  /// @throws archive_error, limit_exceeded, name_error, system_error, and what a reducer's rebuild throws
  template <class T>
  forking_iarchive& operator>>(T&& value) {
    detail::load_into(*this, value);
    return *this;
  }
  template <class T>
  forking_iarchive& operator&(T&& value) {
    return *this >> value;
  }

  /// @throws archive_error  when bytes are left over
  void finish() const;
  /// Lets go of the shared objects that it has read, and of handles that no value has claimed, as its
  /// destruction does. Nothing is to be read after it.
  void drop_objects() noexcept;

  // --- the rest of Boost's concept -----------------------------------------------------------------------
  void load_binary(void* into, std::size_t count) { read_block(into, count); }
  /// From here on T may stand behind pointers to its base classes in this archive, under its own name,
  /// without an entry in a dispatch table. The other side has to register it too, or to have an entry of that
  /// name.
  template <class T>
  void register_type(const T* = nullptr) {
    if constexpr (std::is_polymorphic_v<T> && !std::is_abstract_v<T>)
      register_entry(detail::entry_by_own_name<T>());
  }
  unsigned get_library_version() const noexcept { return 19; }
  void reset_object_address(const void*, const void*) noexcept {}
  void delete_created_pointers() noexcept {}
  /// An object that lives as long as the archive, made when it is first asked for.
  template <class Helper>
  Helper& get_helper(const void* id = nullptr) {
    return detail::helpers::of(helpers_).get<Helper>(id);
  }

  // --- for codecs ----------------------------------------------------------------------------------------
  const archive_options& options() const noexcept { return options_; }
  std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - here_); }
  std::size_t offset() const noexcept { return static_cast<std::size_t>(here_ - begin_); }

  template <class Number>
  void read_raw(Number& number) {
    if (sizeof number > remaining()) throw_truncated(sizeof number);
    const std::byte* const from = here_;
    detail::fetch(number, from);
    here_ = from + sizeof number;  // after the number, as in read_block
  }
  void read_block(void* into, std::size_t count) {
    if (count > remaining()) throw_truncated(count);
    const std::byte* const from = here_;
    detail::copy_bytes(into, from, count);
    // Bytes written may be any object's, also `here_`: moved after them, it stays known, and in a register.
    here_ = from + count;
  }
  /// The next `count` bytes, to be copied by the caller at once and looked at only in the copy.
  const std::byte* take(std::size_t count) {
    if (count > remaining()) throw_truncated(count);
    const std::byte* const from = here_;
    here_ += count;
    return from;
  }
  /// A count, and as many elements of `Size` bytes each: to be copied by the caller at once, as with `take`.
  template <std::size_t Size>
  std::span<const std::byte> take_elements() {
    const std::uint64_t count = read_size();
    check_count<Size>(count);
    const std::byte* const from = here_;
    here_ = from + count * Size;
    return {from, here_};
  }
  /// A byte to be judged and then used: volatile, for it must be the same byte both times, whatever another
  /// process writes to the message meanwhile.
  unsigned char read_byte() { return *reinterpret_cast<const volatile unsigned char*>(take(1)); }
  /// A number to be judged and then used.
  template <class Number>
  Number read_once() {
    Number number{};
    read_raw(number);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // from here on it is read from the copy
    return number;
  }
  std::uint64_t read_size() {
    if (here_ == end_) throw_truncated(1);
    const unsigned char first = *reinterpret_cast<const volatile unsigned char*>(here_);
    if (first >= 0x80) return read_long_size();
    ++here_;
    return first;
  }
  /// Number of elements to come, each of which takes at least `MinSize` bytes.
  template <std::size_t MinSize = 1>
  std::size_t read_count() {
    const std::uint64_t count = read_size();
    check_count<MinSize>(count);
    return static_cast<std::size_t>(count);
  }
  template <std::size_t MinSize = 1>
  void check_count(std::uint64_t count) const {
    if (count > remaining() / MinSize) throw_count(count, MinSize);
  }
  /// How many elements of `element_size` bytes may be made room for before they have been read: at most the
  /// memory that the bytes still to come justify.
  std::size_t reservable(std::size_t count, std::size_t element_size) const {
    return std::min(count, remaining() / element_size + 1);
  }
  void count_objects(std::size_t count) {
    if (count > objects_left_) throw_too_many_objects();
    objects_left_ -= count;
  }
  /// @throws limit_exceeded  when the thread's stack is nearly used up
  void check_stack() const;

  /// What Boost calls the size of a collection. Where it is a count of elements to come, for which the loader
  /// at work makes room, the bytes must hold them; elsewhere it may be the dimension of something sparse.
  std::size_t read_collection_size();
  /// From now on, and at this depth alone, sizes of collections are counts of elements to come.
  /// @returns what to put back afterwards
  std::size_t expect_element_counts() noexcept { return std::exchange(counts_at_depth_, depth_left_); }
  void put_back_element_counts(std::size_t before) noexcept { counts_at_depth_ = before; }

  /// @returns null where the writer put no name
  const std::string* read_optional_name();
  const std::string& read_name();
  unique_handle read_handle();

  std::uint64_t override_mask() const noexcept { return override_mask_; }
  /// Reads the name that precedes an object of a type with a bit in the mask.
  /// @returns null if the writer did not override the type's own way
  const detail::dispatch_entry* read_override(const std::type_info& type, std::uint64_t type_hash);
  /// @param label  the name, or what `dispatch_entry::label` was over there
  /// @throws name_error  when no table in reach has the name
  /// @throws type_mismatch  when the entry here reads other members
  const detail::dispatch_entry& entry_named(std::string_view label) const;
  /// @throws type_mismatch  unless the name read is the one expected
  void expect_name(std::string_view expected);

  /// False if all classes in this message have version 0, as most have.
  bool has_versions() const noexcept { return has_versions_; }
  /// The version of a class in this message.
  /// @throws archive_error  when it is newer than the one `known` here
  std::uint32_t version_of(const detail::type_identity& type, std::uint32_t known) const;

  std::size_t shared_count() const noexcept { return shared_.size(); }
  detail::shared_slot& shared(std::size_t slot) { return shared_[slot]; }
  std::size_t add_shared();

  /// A pointer to an object of exactly `type`, converted as the language converts it to a pointer to `Base`.
  /// @throws type_mismatch  when Base is no accessible base of it
  template <class Base>
  Base* upcast(void* object, const std::type_info& type, void (*throw_pointer)(void*));

  /// What is left of the budgets.
  limits limits_left() const noexcept {
    return {options_.limit.bytes, depth_left_, objects_left_, handles_left_};
  }
  /// To be called in a handler, when what has been read cannot be used: breaks the cycles of shared objects,
  /// so that nothing leaks, and throws the exception again; those of Boost as archive_error.
  [[noreturn]] void give_up();

  [[noreturn]] void fail(const std::string& what) const;

 private:
  friend class detail::nesting<forking_iarchive>;

  struct claimable_handle {
    unique_handle handle;
    std::uint16_t uses_left = 0;
    bool claimed = false;
  };
  /// Those that no value has claimed in the end are closed without waiting for their peers.
  struct handle_table {
    std::vector<claimable_handle> slots;
    int exceptions = std::uncaught_exceptions();

    handle_table() = default;
    handle_table(handle_table&&) noexcept = default;
    handle_table& operator=(handle_table&&) noexcept = default;
    ~handle_table() { clear(); }
    void fill(std::vector<unique_handle> handles);
    void clear() noexcept;
  };
  struct known_upcast {
    const std::type_info *derived, *base;
    std::ptrdiff_t offset;  // the same for all objects whose dynamic type is `derived`
  };

  void register_entry(const detail::dispatch_entry& entry);
  void read_envelope(std::size_t handles, const detail::type_identity* expected);
  void read_type(const detail::envelope& head, const detail::type_identity* expected);
  void compare_members(const detail::type_identity& here) const;
  const detail::dispatch_entry* find_entry(std::string_view name) const;
  void check_size() const;
  void check_handle_count(std::size_t count) const;
  void read_versions(std::uint32_t count);
  std::uint64_t read_long_size();
  const std::ptrdiff_t* find_upcast(const std::type_info& derived, const std::type_info& base) const;
  [[noreturn]] void throw_count(std::uint64_t count, std::size_t min_size) const;
  [[noreturn]] void throw_truncated(std::size_t wanted) const;
  void check_depth() const;
  [[noreturn]] void throw_too_many_objects() const;
  [[noreturn]] void throw_no_base(const std::type_info& type, const std::type_info& base) const;

  buffer storage_;  // keeps what is read in place, unless the bytes have another owner
  const std::byte *begin_ = nullptr, *here_ = nullptr, *end_ = nullptr;
  archive_options options_;
  std::uint64_t override_mask_ = 0;
  bool has_versions_ = false;
  std::size_t depth_left_, objects_left_, handles_left_;
  std::size_t counts_at_depth_ = static_cast<std::size_t>(-1);
  const detail::type_identity* type_ = nullptr;  // what was expected, if the message holds it
  std::string type_name_;                        // otherwise
  std::string members_;                          // likewise
  std::uint64_t label_hash_ = 0;
  bool label_is_cut_ = false;
  handle_table handles_;
  std::vector<std::string> names_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> versions_;
  std::vector<detail::shared_slot> shared_;
  std::vector<known_upcast> upcasts_;
  std::unique_ptr<detail::helpers> helpers_;  // null while there are none
};

template <class Base>
Base* forking_iarchive::upcast(void* object, const std::type_info& type, void (*throw_pointer)(void*)) {
  if (type == typeid(Base)) return static_cast<Base*>(object);
  if (const std::ptrdiff_t* const offset = find_upcast(type, typeid(Base)))
    return reinterpret_cast<Base*>(static_cast<std::byte*>(object) + *offset);
  // Only the language knows how to convert between two classes that no single piece of code names together:
  // it does so when a handler for a base catches a pointer to a derived class.
  try {
    throw_pointer(object);
  } catch (Base* base) {
    upcasts_.push_back(
        {&type, &typeid(Base), reinterpret_cast<std::byte*>(base) - static_cast<std::byte*>(object)});
    return base;
  } catch (...) {
  }
  throw_no_base(type, typeid(Base));
}

}  // namespace ferry
