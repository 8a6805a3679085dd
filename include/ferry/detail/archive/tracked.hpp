// SPDX-License-Identifier: BSL-1.0
// Serialisation of standard types in the tracking archives: what they leave to Ferry, what to Boost, and what
// neither has: aggregates, and standard types for which Boost 1.81 has no header.
#pragma once

#include <ferry/archive.hpp>

// Containers may hold what Boost has to track, whether or not user code includes these. That of vectors comes
// first: that of priority queues needs it, and does not say so.
// clang-format off
#include <boost/serialization/vector.hpp>
// clang-format on
#include <boost/serialization/array.hpp>
#include <boost/serialization/deque.hpp>
#include <boost/serialization/forward_list.hpp>
#include <boost/serialization/list.hpp>
#include <boost/serialization/map.hpp>
#include <boost/serialization/priority_queue.hpp>
#include <boost/serialization/queue.hpp>
#include <boost/serialization/set.hpp>
#include <boost/serialization/stack.hpp>
#include <boost/serialization/unordered_map.hpp>
#include <boost/serialization/unordered_set.hpp>
#include <boost/serialization/utility.hpp>

#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace ferry::detail {

/// True where Boost's loader can make the elements: it reads them into objects that it makes first.
template <class T>
consteval bool boost_makes_elements_of() {
  if constexpr (requires { typename T::value_type; }) {
    using element = typename T::value_type;
    return !is_bitwise<element> && (std::is_default_constructible_v<element> || has_construct_data<element>);
  } else {
    return true;
  }
}

/// optional, tuple and variant: of these Boost 1.81 knows none.
template <class T>
inline constexpr bool is_without_header = false;
template <class T>
inline constexpr bool is_without_header<std::optional<T>> = true;
template <class... Each>
inline constexpr bool is_without_header<std::tuple<Each...>> = true;
template <class... Each>
inline constexpr bool is_without_header<std::variant<Each...>> = true;

/// What Ferry writes itself, within a tracked message: types with a reducer or entry, handles, strings,
/// blocks of numbers, and standard types for which there is no Boost header. Pointers inside these are
/// Ferry's, not tracked.
template <class T>
inline constexpr bool is_untracked = encoding_of<T> == encoding::handle ||
                                     encoding_of<T> == encoding::run_time ||
                                     encoding_of<T> == encoding::reduced || std::is_same_v<T, std::string> ||
                                     (encoding_of<T> == encoding::standard && !is_without_header<T> &&
                                      !is_std_array<T> &&
                                      !(has_free_serialize<T> && boost_makes_elements_of<T>()));

/// What may have others of its kind in it, as a list has behind pointers: before each the stack is looked at,
/// for how deep they lie is up to the value, and not counted. Also graphs that look flat may be deep.
template <class T>
inline constexpr bool may_lie_deep = std::is_class_v<T> || std::is_pointer_v<T>;

/// False when an assertion has failed: then nothing more is instantiated.
template <class T>
inline constexpr bool may_be_tracked = [] {
  if constexpr (is_marked_not_serializable<T>) {
    return check_part<T, going::out>();
  } else {
    return true;
  }
}();

/// How large an element is for which Boost's own loader of a T makes room; 0 if it makes none.
template <class T>
consteval std::size_t element_size() {
  if constexpr (!makes_room_for_elements<T>()) {
    return 0;
  } else if constexpr (requires { sizeof(typename T::value_type); }) {
    return sizeof(typename T::value_type);
  } else {
    return 1;
  }
}

/// Saves or loads the parts of a T for which Boost has no header, each as the archive has its type.
template <class T>
struct parts;

template <class T>
T make_part() {
  static_assert(std::is_default_constructible_v<T>,
                "ferry: in a tracking archive a T within std::optional, std::variant or std::tuple (see the "
                "lines around this one) is made first and read afterwards: give it a default constructor, or "
                "put it behind a pointer");
  return T();
}

template <class T>
struct parts<std::optional<T>> {
  template <class Archive>
  static void save(Archive& archive, const std::optional<T>& value) {
    const bool has_value = value.has_value();
    archive << has_value;
    if (value) archive << *value;
  }
  template <class Archive>
  static void load(Archive& archive, std::optional<T>& value) {
    bool has_value = false;
    archive >> has_value;
    value.reset();
    if (!has_value) return;
    if constexpr (is_untracked<T>) {
      value.emplace(archive.template make_untracked<T>());
    } else {
      archive >> value.emplace(make_part<T>());
    }
  }
};
template <class... Each>
struct parts<std::tuple<Each...>> {
  template <class Archive>
  static void save(Archive& archive, const std::tuple<Each...>& value) {
    std::apply([&](const auto&... each) { (static_cast<void>(archive << each), ...); }, value);
  }
  template <class Archive>
  static void load(Archive& archive, std::tuple<Each...>& value) {
    std::apply([&](auto&... each) { (static_cast<void>(archive >> each), ...); }, value);
  }
};
template <class... Each>
struct parts<std::variant<Each...>> {
  using variant = std::variant<Each...>;
  template <class Archive>
  static void save(Archive& archive, const variant& value) {
    const std::uint64_t index = value.index();  // without a value: no index that the reader knows
    archive << index;
    std::visit([&](const auto& held) { archive << held; }, value);
  }
  template <class Archive>
  static void load(Archive& archive, variant& value) {
    std::uint64_t index = 0;
    archive >> index;
    if (index >= sizeof...(Each)) archive.fail_variant(sizeof...(Each), index);
    load_alternative(archive, value, index, std::index_sequence_for<Each...>{});
  }

 private:
  template <class Archive, std::size_t... I>
  static void load_alternative(Archive& archive, variant& value, std::uint64_t index,
                               std::index_sequence<I...>) {
    const auto load_if = [&]<std::size_t At>(std::integral_constant<std::size_t, At>) {
      using held = std::variant_alternative_t<At, variant>;
      if (index != At) return;
      if constexpr (is_untracked<held>) {
        value.template emplace<At>(archive.template make_untracked<held>());
      } else {
        archive >> value.template emplace<At>(make_part<held>());
      }
    };
    (load_if(std::integral_constant<std::size_t, I>{}), ...);
  }
};

}  // namespace ferry::detail
