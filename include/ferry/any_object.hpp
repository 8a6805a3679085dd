// SPDX-License-Identifier: BSL-1.0
// Dynamic reading of values of unknown type: as a value of whatever type arrives, or by a handler for each
// type.
#pragma once

#include <ferry/archive.hpp>

#include <functional>
#include <map>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

namespace ferry {

/// A value of the type that a dispatch table has under the wire name that arrived. Movable; not thread-safe.
class any_object {
 public:
  any_object(detail::erased_object object, const detail::dispatch_entry& entry) noexcept
      : object_(std::move(object)), entry_(&entry) {}

  /// False when it was moved from.
  bool valid() const noexcept { return object_ != nullptr; }
  /// The wire name; valid as long as the dispatch table.
  const std::string& name() const noexcept { return entry_->name(); }
  const std::type_info& type() const noexcept { return entry_->type(); }

  template <class T>
  bool holds() const noexcept {
    return object_ != nullptr && type() == typeid(T);
  }
  /// @throws type_mismatch  when it holds another type
  template <class T>
  T& get() & {
    check(holds<T>(), detail::identity_of<T>().name);
    return *static_cast<T*>(object_.get());
  }
  template <class T>
  const T& get() const& {
    return const_cast<any_object&>(*this).get<T>();
  }
  template <class T>
  T get() && {
    return std::move(get<T>());
  }

 private:
  void check(bool holds, const std::string& asked) const;

  detail::erased_object object_;
  const detail::dispatch_entry* entry_;
};

namespace detail {
/// What `loads_any` does, by the entries that there are.
any_object load_any(message from, const archive_options& options);
}  // namespace detail

/// Reads a value of the type that its wire name stands for in the dispatch table of the options.
/// @throws name_error  naming it, when no table in reach has the name; and what `loads` throws
inline any_object loads_any(message from, const archive_options& options = {}) {
  detail::include_own_types();
  return detail::load_any(std::move(from), options);
}

/// Calls the handler registered for what arrives:
///
///   ferry::dispatcher on;
///   on.type<frame>([](frame f) { ... }).type<std::string>([](std::string s) { ... });
///   for (;;) on(connection.recv_message());
///
/// Add all handlers first; then it may be called from several threads, if the handlers may.
class dispatcher {
 public:
  explicit dispatcher(const archive_options& options = {}) : options_(options) {}

  /// Calls `handler(T)` for each message that holds a T.
  /// @throws name_error  when there is a handler for that name already
  template <class T, class Handler>
  dispatcher& type(Handler handler) {
    constexpr bool takes_it = std::is_invocable_v<Handler&, T>;
    static_assert(takes_it, "ferry: the handler must be callable with the type it is for");
    if constexpr (takes_it)
      add(detail::wire_name_of(detail::identity_of<T>(), typeid(T), options_),
          [call = std::move(handler)](forking_iarchive& archive) mutable {
            detail::in_passing<T> value([&]() -> T { return detail::load_whole<T>(archive); });
            call(value.take());
          });
    return *this;
  }

  /// @throws name_error  when there is no handler for what arrived, naming it and those there are; what
  ///         `loads` and the handler throw
  void operator()(message from);

 private:
  using callback = std::function<void(forking_iarchive&)>;

  void add(std::string_view name, callback call);

  archive_options options_;
  std::map<std::string, callback, std::less<>> handlers_;
};

}  // namespace ferry
