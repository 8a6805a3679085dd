// SPDX-License-Identifier: BSL-1.0
// The writing archive: values with live parts to a message.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/detail/archive/helpers.hpp>
#include <ferry/detail/archive/nesting.hpp>
#include <ferry/detail/archive/traits.hpp>
#include <ferry/detail/base/copy.hpp>
#include <ferry/message.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {
class dispatch_entry;
template <class T>
const dispatch_entry& entry_by_own_name();
template <class T>
void save(forking_oarchive& archive, const T& value);
}  // namespace detail

/// Writes values into a message. Models Boost.Serialization's Saving Archive concept, so existing `serialize`
/// functions work, without its tracking tables and streams: see docs/wire-format.md for the bytes.
///
/// Not thread-safe; several archives may work at once. If writing throws, drop the archive: nothing has been
/// sent and the duplicated handles are closed with it.
class forking_oarchive {
 public:
  using is_saving = boost::mpl::bool_<true>;
  using is_loading = boost::mpl::bool_<false>;

  /// How many bytes a message without an envelope begins with, at most.
  static constexpr std::size_t bare_prefix = sizeof(std::uint64_t);

  /// @param type_name  what the message is said to hold; at most 65535 bytes
  explicit forking_oarchive(std::string_view type_name = {}, const archive_options& options = {})
      : forking_oarchive(type_name, detail::hash_name(type_name), false, options) {}
  forking_oarchive(const detail::type_identity& holds, const archive_options& options)
      : forking_oarchive(holds.label, options) {}
  forking_oarchive(const detail::type_label& holds, const archive_options& options)
      : forking_oarchive(holds.text, holds.hash, holds.is_cut, options) {}
  /// For carriers: writes a message without an envelope, to be finished with `finish_bare`.
  /// @param storage  memory to be used again; lost if this throws
  /// @param keep  how many bytes at its beginning stay as they are, in front of the message; the rest is
  /// dropped
  /// @throws std::bad_alloc  where `storage` has had less than `keep + bare_prefix` bytes
  forking_oarchive(buffer storage, const archive_options& options, std::size_t keep = 0);

  /// Writes a value of any type that can cross; see docs/guide.md.
  /// @throws archive_error, limit_exceeded, spawning_error (guarded types in `transfer::inherit`),
  ///         system_error (no descriptors left), and what a reducer throws
  template <class T>
  forking_oarchive& operator<<(const T& value) {
    detail::save(*this, value);
    return *this;
  }
  template <class T>
  forking_oarchive& operator&(const T& value) {
    return *this << value;
  }

  /// The message with all that was written. The archive cannot be used afterwards.
  /// @throws limit_exceeded  when the message is larger than `limits::bytes`
  message finish();
  /// The same for a message without an envelope; its `format` says the rest.
  message finish_bare();
  /// The memory given, when nothing is to come of what was written into it.
  buffer abandon() noexcept { return std::move(buffer_); }

  // --- the rest of Boost's concept -----------------------------------------------------------------------
  void save_binary(const void* bytes, std::size_t count) { write_block(bytes, count); }
  /// From here on T may stand behind pointers to its base classes in this archive, under its own name,
  /// without an entry in a dispatch table. The other side has to register it too, or to have an entry of that
  /// name.
  template <class T>
  void register_type(const T* = nullptr) {
    if constexpr (std::is_polymorphic_v<T> && !std::is_abstract_v<T>)
      register_entry(detail::entry_by_own_name<T>());
  }
  unsigned get_library_version() const noexcept { return 19; }
  /// An object that lives as long as the archive, made when it is first asked for.
  template <class Helper>
  Helper& get_helper(const void* id = nullptr) {
    return detail::helpers::of(helpers_).get<Helper>(id);
  }

  // --- for codecs ----------------------------------------------------------------------------------------
  transfer mode() const noexcept { return options_.mode; }
  const archive_options& options() const noexcept { return options_; }

  template <class Number>
  void write_raw(const Number& number) {
    buffer_.append(number);
  }
  /// Before the members of a T are written one by one. Those of a small class that may be copied as bytes are
  /// mostly numbers, for which one look at the room is enough then. A guess, which is about speed alone.
  template <class T>
  void expect_members_of() {
    if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= 64)
      buffer_.reserve(sizeof(T) + buffer::slack);
  }
  void write_block(const void* bytes, std::size_t count) {
    if (count > detail::copied_at_once) [[unlikely]] {
      write_large_block(bytes, count);
    } else {
      buffer_.append(bytes, count);  // `finish` looks whether all is too large
    }
  }
  /// Unsigned LEB128: seven bits a byte, the lowest first.
  void write_size(std::uint64_t size) {
    if (size < 0x80) {
      write_raw(static_cast<std::byte>(size));
    } else {
      write_long_size(size);
    }
  }
  /// A count, and as many elements of `Size` bytes each.
  template <std::size_t Size>
  [[gnu::always_inline]] void write_elements(const void* elements, std::size_t count) {
    if (count <= detail::few_bytes / Size) [[likely]] {
      buffer_.append_few(static_cast<std::byte>(count), elements, count * Size);
    } else {
      write_size(count);
      write_block(elements, count * Size);
    }
  }
  /// A string that occurs often in a message: written out the first time, an index afterwards.
  /// @param name  must live as long as the archive
  void write_name(std::string_view name);
  /// In the place of a name: the object is not preceded by one.
  void write_no_name() { write_size(0); }
  /// Duplicates the handle into the message, unless the message has it already.
  void write_handle(handle_view handle);
  void count_objects(std::size_t count) {
    if (count > objects_left_) throw_too_many_objects();
    objects_left_ -= count;
  }
  /// @throws limit_exceeded  when the thread's stack is nearly used up
  void check_stack() const;

  std::size_t size() const noexcept { return buffer_.size(); }
  /// Puts the version of a class into the table that goes with the message; a class not in it has version 0.
  void note_version(const detail::type_identity& type, std::uint32_t version);

  /// @returns the index of the shared object, from 1, and whether it is written here for the first time
  std::pair<std::uint64_t, bool> share(std::shared_ptr<const void> object, const std::type_info& type);

  /// Bits of the types that run-time entries may override; when not zero, a class type is preceded by a name.
  std::uint64_t override_mask() const noexcept { return override_mask_; }
  /// Writes the object by the entry that overrides its own way, if there is one.
  bool save_override(const std::type_info& type, std::uint64_t type_hash, const void* object);
  /// @throws name_error  naming the type, when no table in reach has an entry for it
  const detail::dispatch_entry& entry_for(const std::type_info& type) const;
  /// @throws spawning_error  unless the object may cross now
  void check_guard(const std::type_info& type) const;

  /// What is left of the budgets.
  limits limits_left() const noexcept {
    return {options_.limit.bytes, depth_left_, objects_left_, handles_left_};
  }

 private:
  friend class detail::nesting<forking_oarchive>;

  /// Of handles, names, versions and shared objects: what most messages have none of.
  struct tables;
  struct drop_tables {
    void operator()(tables* dropped) const noexcept;
  };

  forking_oarchive(std::string_view label, std::uint64_t hash, bool is_cut, const archive_options& options);
  void register_entry(const detail::dispatch_entry& entry);
  /// @throws limit_exceeded  before memory is asked for that a message may not have
  void write_large_block(const void* bytes, std::size_t count);
  void write_long_size(std::uint64_t size);
  tables& used_tables();
  std::vector<unique_handle> take_handles() noexcept;
  /// @returns how many there are
  std::uint32_t write_versions();
  [[noreturn]] void throw_too_large(std::size_t size) const;
  void check_depth() const;
  [[noreturn]] void throw_too_many_objects() const;

  buffer buffer_;
  archive_options options_;
  std::uint64_t override_mask_;
  std::size_t depth_left_, objects_left_, handles_left_;
  std::size_t begin_ = 0;                        // of the message in the buffer
  std::size_t body_ = 0;                         // where its body begins
  std::unique_ptr<tables, drop_tables> tables_;  // null while they are empty
  std::unique_ptr<detail::helpers> helpers_;     // null while there are none
};

}  // namespace ferry
