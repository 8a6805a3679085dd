// SPDX-License-Identifier: BSL-1.0
// Dispatch tables: what may cross by name, and how it is taken apart and rebuilt.
#pragma once

#include <ferry/detail/archive/type_name.hpp>
#include <ferry/error.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

namespace ferry {

class forking_oarchive;
class forking_iarchive;

class dispatch_table;

namespace detail {

/// The table below all others, with what has been put into it so far.
dispatch_table& global_table();

/// Has Ferry's own types in that table. To be called by code in headers before it looks a name up: programs
/// that never do are not linked with all these types. Thread-safe; does something only once.
void include_own_types();

/// An object of a type that only its deleter knows.
using erased_object = std::unique_ptr<void, void (*)(void*)>;

/// What a table knows of one type.
class dispatch_entry {
 public:
  using throw_function = void (*)(void*);

  /// @param identity  of the type as a value
  /// @param form  the members of what the entry writes
  dispatch_entry(std::string name, const std::type_info& type, const type_identity& identity,
                 const type_identity& form, bool overrides, throw_function throws_pointer)
      : name_(std::move(name)),
        label_(name_, form.members),
        type_(type),
        identity_(identity),
        form_(form),
        overrides_(overrides),
        thrower_(throws_pointer) {}
  virtual ~dispatch_entry() = default;
  dispatch_entry(const dispatch_entry&) = delete;
  dispatch_entry& operator=(const dispatch_entry&) = delete;

  const std::string& name() const noexcept { return name_; }
  /// With the members of what the entry writes: stands in a message in front of that.
  const type_label& label() const noexcept { return label_; }
  const std::type_info& type() const noexcept { return type_; }
  std::uint64_t type_hash() const noexcept { return identity_.hash; }
  const type_identity& identity() const noexcept { return identity_; }
  const type_identity& form() const noexcept { return form_; }
  /// True if the entry stands in the place of a way to cross that the type has anyway.
  bool overrides() const noexcept { return overrides_; }
  /// Throws a pointer to an object as a `type()*`; see `forking_iarchive::upcast`.
  throw_function thrower() const noexcept { return thrower_; }

  /// @param object  points to an object of exactly `type()`, as do all `void*` here
  virtual void save(forking_oarchive& archive, const void* object) const = 0;
  virtual erased_object load(forking_iarchive& archive) const = 0;
  /// Loads what was written as a value of the type, not by this entry.
  virtual erased_object load_value(forking_iarchive& archive) const = 0;
  /// Loads into shared slot `slot` of the archive, before its content where the type allows: cycles work.
  virtual void load_shared(forking_iarchive& archive, std::size_t slot) const = 0;
  /// The object as an exception, with another one nested in it unless that is null; null if the type is not a
  /// copyable `std::exception`.
  virtual std::exception_ptr as_exception(void* object, const std::exception_ptr& cause) const = 0;
  /// The part of an exception that is of the entry's type; null if it has none, or several.
  virtual const void* part_of(const std::exception& error) const = 0;
  /// Whether the type is that of `derived`, or a base of it.
  virtual bool is_base_of(const dispatch_entry& derived, const void* object) const = 0;

 private:
  std::string name_;
  type_label label_;
  const std::type_info& type_;
  const type_identity &identity_, &form_;
  bool overrides_;
  throw_function thrower_;
};

}  // namespace detail

/// Wire names, and the types that cross under them. Tables layer: an archive's own over its context's over
/// the global one. What no table in reach names cannot be built by a message.
///
/// All members may be called from any thread at any time; entries are never removed. A table must outlive the
/// archives, connections and child tables that use it.
class dispatch_table {
 public:
  /// @param label  what error messages call this table
  /// @param parent  where names and types are looked up that are not here; null for none
  explicit dispatch_table(std::string label = "table", const dispatch_table* parent = &global());
  ~dispatch_table();
  dispatch_table(const dispatch_table&) = delete;
  dispatch_table& operator=(const dispatch_table&) = delete;

  /// The table below all others; holds Ferry's own types from the start.
  static dispatch_table& global() {
    detail::include_own_types();
    return detail::global_table();
  }

  /// Names a type that can cross anyway, so that it can be read dynamically (`loads_any`, `dispatcher`),
  /// stand behind a polymorphic pointer, or arrive as an exception. Without a name: that of `reducer<T>`,
  /// else the type's own.
  /// @throws name_error  naming both types, if this table has an entry of that name or for that type already
  template <class T>
  void add(std::string_view name = {});

  /// Lets T cross by `reduce` (T to a tuple of arguments) and `rebuild` (these arguments to T), in the place
  /// of any other way it may have. A type with no other way opts in with `registered_at_run_time<T>`.
  /// `reduce` and `rebuild` are called from any thread.
  /// @throws name_error  as above
  template <class T, class Reduce, class Rebuild>
  void add(std::string_view name, Reduce reduce, Rebuild rebuild);

  /// True if this table or one under it has the name.
  bool contains(std::string_view name) const;
  /// The names in this table alone, sorted.
  std::vector<std::string> names() const;
  const std::string& label() const noexcept { return label_; }

  // For archives.
  void insert(std::unique_ptr<const detail::dispatch_entry> entry);
  const detail::dispatch_entry* find(std::string_view name) const;
  const detail::dispatch_entry* find(std::type_index type) const;
  /// The entry of the exception's type; else that of its nearest base class that has one; else null.
  const detail::dispatch_entry* find_nearest(const std::exception& error) const;
  /// The topmost entry that overrides the type's own way, or null.
  const detail::dispatch_entry* find_override(std::type_index type) const;
  /// One bit for each type (see `detail::mask_bit`) to which an entry in reach gives another name than its
  /// own, or whose own way it overrides.
  std::uint64_t renamed_mask() const noexcept;
  std::uint64_t override_mask() const noexcept;

 private:
  struct entries;
  std::unique_ptr<entries> entries_;
  std::atomic<std::uint64_t> renamed_mask_{0}, override_mask_{0};
  const dispatch_table* parent_;
  std::string label_;
};

}  // namespace ferry

#include <ferry/archive.hpp>
