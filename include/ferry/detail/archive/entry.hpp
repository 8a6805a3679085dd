// SPDX-License-Identifier: BSL-1.0
// The two kinds of entries of a dispatch table.
#pragma once

#include <ferry/detail/archive/codec.hpp>
#include <ferry/detail/archive/codec_boost.hpp>
#include <ferry/detail/archive/codec_pointer.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace ferry::detail {

template <class T>
erased_object erase(T* object) {
  return {object, [](void* erased) { delete static_cast<T*>(erased); }};
}

/// The exception as `std::throw_with_nested` throws it where `cause` is handled.
template <class T>
std::exception_ptr with_cause(const T& error, const std::exception_ptr& cause) {
  if (cause == nullptr) return std::make_exception_ptr(error);
  try {
    std::rethrow_exception(cause);
  } catch (...) {
    try {
      std::throw_with_nested(error);
    } catch (...) {
      return std::current_exception();
    }
  }
}

template <class T>
class typed_entry : public dispatch_entry {
 public:
  typed_entry(std::string_view name, const type_identity& form, bool overrides)
      : dispatch_entry(std::string(name.empty() ? identity_of<T>().name : name), typeid(T), identity_of<T>(),
                       form, overrides, &throw_as<T>) {}

  erased_object load_value(forking_iarchive& archive) const override {
    if constexpr (encoding_of<T> == encoding::none) {  // crosses by entries alone, never as a value
      return this->load(archive);
    } else {
      return erase(make_on_heap<T, written::as_value>(archive).release());
    }
  }

  std::exception_ptr as_exception(void* object, const std::exception_ptr& cause) const override {
    if constexpr (std::is_base_of_v<std::exception, T> && std::is_copy_constructible_v<T>) {
      return with_cause(*static_cast<T*>(object), cause);
    } else {
      static_cast<void>(object), static_cast<void>(cause);
      return nullptr;
    }
  }
  const void* part_of(const std::exception& error) const override {
    if constexpr (std::is_base_of_v<std::exception, T>) {
      return dynamic_cast<const T*>(&error);
    } else {
      static_cast<void>(error);
      return nullptr;
    }
  }
  bool is_base_of(const dispatch_entry& derived, const void* object) const override {
    try {
      derived.thrower()(const_cast<void*>(object));
    } catch (T*) {
      return true;
    } catch (...) {
    }
    return false;
  }
};

/// A name for a type that crosses by its own encoding.
template <class T>
class naming_entry final : public typed_entry<T> {
 public:
  explicit naming_entry(std::string_view name) : typed_entry<T>(name, identity_of<T>(), false) {}

  void save(forking_oarchive& archive, const void* object) const override {
    save_pointed(archive, *static_cast<const T*>(object));
  }
  erased_object load(forking_iarchive& archive) const override {
    if constexpr (encoding_of<T> == encoding::none) {
      return erase(static_cast<T*>(nullptr));
    } else {
      return erase(make_on_heap<T, written::behind_pointer>(archive).release());
    }
  }
  void load_shared(forking_iarchive& archive, std::size_t slot) const override {
    load_into_slot<T>(archive, slot);
  }
};

template <class T>
const dispatch_entry& entry_by_own_name() {
  static const naming_entry<T> entry{{}};
  return entry;
}

/// An encoding given while the program runs.
template <class T, class Reduce, class Rebuild>
class reducing_entry final : public typed_entry<T> {
 public:
  reducing_entry(std::string_view name, Reduce reduce, Rebuild rebuild)
      : typed_entry<T>(
            name, list_identity<std::remove_cvref_t<std::invoke_result_t<const Reduce&, const T&>>>::get(),
            encoding_of<T> != encoding::none && encoding_of<T> != encoding::run_time),
        reduce_(std::move(reduce)),
        rebuild_(std::move(rebuild)) {}

  void save(forking_oarchive& archive, const void* object) const override {
    save_reduced(archive, *static_cast<const T*>(object), reduce_);
  }
  erased_object load(forking_iarchive& archive) const override {
    using arguments = decltype(reduce_(std::declval<const T&>()));
    return erase(new T(rebuild_from<arguments>(archive, rebuild_)));
  }
  void load_shared(forking_iarchive& archive, std::size_t slot) const override {
    using arguments = decltype(reduce_(std::declval<const T&>()));
    std::shared_ptr<T> object(new T(rebuild_from<arguments>(archive, rebuild_)));
    archive.shared(slot) = {std::move(object), &typeid(T), &throw_as<T>};
  }

 private:
  Reduce reduce_;
  Rebuild rebuild_;
};

}  // namespace ferry::detail

namespace ferry {

template <class T>
void dispatch_table::add(std::string_view name) {
  static_assert(detail::check_crossing<T, detail::going::out>());
  static_assert(detail::encoding_of<T> != detail::encoding::run_time,
                "ferry: T crosses by an entry alone, so a name is not enough: give reduce and rebuild too");
  insert(std::make_unique<detail::naming_entry<T>>(name));
}

template <class T, class Reduce, class Rebuild>
void dispatch_table::add(std::string_view name, Reduce reduce, Rebuild rebuild) {
  constexpr bool takes_it = std::is_invocable_v<const Reduce&, const T&>;
  static_assert(takes_it, "ferry: `reduce` must take a const T&");
  if constexpr (takes_it)
    insert(std::make_unique<detail::reducing_entry<T, Reduce, Rebuild>>(name, std::move(reduce),
                                                                        std::move(rebuild)));
}

}  // namespace ferry
