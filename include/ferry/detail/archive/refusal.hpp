// SPDX-License-Identifier: BSL-1.0
// Reasons why a value cannot cross to another process, looked for in its type and in all that this holds.
#pragma once

#include <ferry/detail/archive/traits.hpp>
#include <ferry/detail/archive/well_known.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace ferry::detail {

/// In which direction a value goes.
enum class going { out, in };

template <class T>
concept iterable = requires(T& range) {
  range.begin();
  range.end();
};

template <class T>
inline constexpr bool is_view = false;
template <class Char>
inline constexpr bool is_view<std::basic_string_view<Char>> = true;
template <class T, std::size_t Extent>
inline constexpr bool is_view<std::span<T, Extent>> = true;

// --- a type by itself ------------------------------------------------------------------------------------

template <class T>
consteval refusal refusal_of_pointer() {
  using pointee = std::remove_cv_t<std::remove_pointer_t<T>>;
  if constexpr (std::is_function_v<T> || std::is_function_v<pointee>) {
    return refusal::function_pointer;
  } else if constexpr (std::is_same_v<pointee, std::FILE>) {
    return refusal::c_file;
  } else if constexpr (std::is_same_v<pointee, char>) {
    return refusal::text_pointer;
  } else {
    return refusal::pointer;
  }
}

/// Of a class that has no encoding.
template <class T>
consteval refusal refusal_of_class() {
  constexpr refusal in_std =
      refusal_by_name(spelled_name<T>(), "std::", refusal::std_other, well_known_in_std);
  constexpr refusal in_ferry =
      refusal_by_name(spelled_name<T>(), "ferry::", refusal::ferry_other, well_known_in_ferry);
  if constexpr (is_lambda<T>()) {
    return refusal::lambda;
  } else if constexpr (in_std != refusal::none && in_std != refusal::std_other) {
    return in_std;
  } else if constexpr (in_ferry != refusal::none) {
    return in_ferry;
  } else if constexpr (std::input_or_output_iterator<T>) {
    return refusal::iterator;
  } else if constexpr (iterable<T>) {
    return refusal::range;
  } else if constexpr (in_std == refusal::std_other) {
    return refusal::std_other;
  } else if constexpr (std::is_polymorphic_v<T>) {
    return refusal::polymorphic;
  } else {
    return refusal::no_encoding;
  }
}

/// What keeps an aggregate from being taken apart.
constexpr refusal refusal_for(reject_reason why) {
  switch (why) {
    case reject_reason::base:
      return refusal::base;
    case reject_reason::count:
      return refusal::too_many_members;
    case reject_reason::reference:
      return refusal::reference_member;
    case reject_reason::union_member:
      return refusal::union_member;
    case reject_reason::bit_field:
      return refusal::bit_field;
    case reject_reason::volatile_member:
      return refusal::volatile_value;
    case reject_reason::none:
      break;
  }
  return refusal::none;
}

/// Of a pointer that owns, whatever it points to.
template <class T>
inline constexpr refusal refusal_of_owner = refusal::none;
template <class T>
inline constexpr refusal refusal_of_owner<std::unique_ptr<T>> =
    std::is_array_v<T>                                              ? refusal::unique_to_array
    : std::is_polymorphic_v<T> && !std::has_virtual_destructor_v<T> ? refusal::owner_of_undeletable
                                                                    : refusal::none;
template <class T>
inline constexpr refusal refusal_of_owner<std::shared_ptr<T>> =
    std::is_array_v<T> || std::is_void_v<T> ? refusal::shared_to_unknown : refusal::none;
template <class T>
inline constexpr refusal refusal_of_owner<std::weak_ptr<T>> = refusal_of_owner<std::shared_ptr<T>>;

template <class T, going Direction>
consteval refusal find_own_refusal() {
  if constexpr (std::is_reference_v<T> || std::is_const_v<T>) {
    return Direction == going::in ? refusal::reference_arriving : refusal::reference;
  } else if constexpr (std::is_void_v<T>) {
    return refusal::nothing;
  } else if constexpr (std::is_volatile_v<T>) {
    return refusal::volatile_value;
  } else if constexpr (std::is_pointer_v<T> || std::is_function_v<T> || std::is_member_pointer_v<T> ||
                       std::is_null_pointer_v<T>) {
    return refusal_of_pointer<T>();
  } else if constexpr (Direction == going::in && is_view<T>) {
    return refusal::view_arriving;
  } else if constexpr (Direction == going::in && std::is_same_v<T, handle_view>) {
    return refusal::handle_view_arriving;
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    return refusal_for(reject_reason_of<T>);
  } else if constexpr (encoding_of<T> == encoding::standard) {
    return refusal_of_owner<T>;
  } else if constexpr (encoding_of<T> != encoding::none) {
    return refusal::none;
  } else if constexpr (is_marked_not_serializable<T>) {
    return refusal::marked_not_serializable;
  } else if constexpr (is_marked_primitive<T>) {
    return refusal::marked_primitive;
  } else if constexpr (std::is_union_v<T>) {
    return refusal::union_type;
  } else if constexpr (std::is_class_v<T>) {
    return refusal_of_class<T>();
  } else {
    return refusal::no_encoding;
  }
}
/// Why a T cannot cross, whatever it holds.
template <class T, going Direction>
inline constexpr refusal own_refusal = find_own_refusal<T, Direction>();

// --- containers that cannot be made ----------------------------------------------------------------------

/// Compares or hashes alike wherever it is made.
template <class Function>
inline constexpr bool is_without_state =
    std::is_empty_v<Function>&& std::is_default_constructible_v<Function>;

/// Whether a container of the standard library, or of Boost, is ordered or hashed by a function of its own,
/// which one made without arguments would not have.
template <class T>
consteval bool find_own_functions() {
  if constexpr (encoding_of<T> != encoding::standard) {
    return false;
  } else if constexpr (requires { typename T::key_compare; }) {
    return !is_without_state<typename T::key_compare>;
  } else if constexpr (requires { typename T::hasher; }) {
    return !is_without_state<typename T::hasher> || !is_without_state<typename T::key_equal>;
  } else if constexpr (requires {
                         typename T::container_type;
                         typename T::value_compare;
                       }) {
    return !is_without_state<typename T::value_compare>;
  } else {
    return false;
  }
}
template <class T>
inline constexpr bool needs_own_functions = find_own_functions<T>();

// --- what it holds ---------------------------------------------------------------------------------------

template <class... T>
struct types {};

/// What crosses of a standard type, as far as that is known here: what is missed is found when it is written.
template <class T>
struct held_by_standard {
  using type = types<>;
};
template <class T>
requires(is_in_std<T>&& iterable<T>&& requires { typename T::value_type; }) struct held_by_standard<T> {
  using type = types<std::remove_cv_t<typename T::value_type>>;
};
template <class First, class Second>
struct held_by_standard<std::pair<First, Second>> {
  using type = types<std::remove_const_t<First>, std::remove_const_t<Second>>;
};
template <class... Each>
struct held_by_standard<std::tuple<Each...>> {
  using type = types<std::remove_const_t<Each>...>;
};
template <class... Each>
struct held_by_standard<std::variant<Each...>> {
  using type = types<std::remove_const_t<Each>...>;
};
template <class T>
struct held_by_standard<std::optional<T>> {
  using type = types<std::remove_const_t<T>>;
};
/// What a pointer to a class with virtual functions points to crosses by the entry of its own class.
template <class T>
struct held_by_pointer {
  using type = std::conditional_t<std::is_polymorphic_v<T> || std::is_void_v<T> || std::is_array_v<T>,
                                  types<>, types<std::remove_const_t<T>>>;
};
template <class T>
struct held_by_standard<std::unique_ptr<T>> : held_by_pointer<T> {};
template <class T>
struct held_by_standard<std::shared_ptr<T>> : held_by_pointer<T> {};
template <class T>
struct held_by_standard<std::weak_ptr<T>> : held_by_pointer<T> {};

template <class Tuple>
struct held_by_arguments {
  using type = types<>;
};
template <class... Each>
struct held_by_arguments<std::tuple<Each...>> {
  using type = types<std::remove_cvref_t<Each>...>;
};

template <class T>
consteval auto find_held() {
  if constexpr (std::is_bounded_array_v<T>) {
    return types<std::remove_const_t<std::remove_extent_t<T>>>();
  } else if constexpr (encoding_of<T> == encoding::standard) {
    return typename held_by_standard<T>::type();
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return types<std::remove_const_t<member_type<I, T>>...>();
    }
    (std::make_index_sequence<member_count<T>>());
  } else {
    return types<>();
  }
}
/// The types of what crosses when a T does. Of what a reducer gives only the writer is told.
template <class T, going Direction>
consteval auto find_held_by() {
  if constexpr (Direction == going::out && encoding_of<T> == encoding::reduced) {
    if constexpr (requires(const T& value) { reducer<T>::reduce(value); }) {
      return typename held_by_arguments<
          std::remove_cvref_t<decltype(reducer<T>::reduce(std::declval<const T&>()))>>::type();
    } else {
      return types<>();
    }
  } else {
    return find_held<T>();
  }
}
template <class T, going Direction>
using held_by = decltype(find_held_by<T, Direction>());

// --- all of it -------------------------------------------------------------------------------------------

/// The types that have been looked at: types refer to themselves through pointers and containers.
class seen_types {
 public:
  /// @returns whether it is new here, and to be looked at
  constexpr bool add(const void* type) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (seen_[i] == type) return false;
    }
    if (count_ == std::size(seen_)) return false;  // what is not seen here is found when it is written
    seen_[count_++] = type;
    return true;
  }

 private:
  std::size_t count_ = 0;
  const void* seen_[256] = {};
};
template <class T>
inline constexpr char mark_of_type = 0;

template <class T, going Direction>
constexpr refusal search_type(seen_types& seen);

template <going Direction, class... Held>
constexpr refusal search_types([[maybe_unused]] seen_types& seen, types<Held...>) {
  refusal found = refusal::none;
  static_cast<void>((((found = search_type<Held, Direction>(seen)) == refusal::none) && ...));
  return found;
}
template <class T, going Direction>
constexpr refusal search_type(seen_types& seen) {
  if constexpr (own_refusal<T, Direction> != refusal::none) {
    return own_refusal<T, Direction>;
  } else if constexpr (std::is_same_v<held_by<T, Direction>, types<>>) {
    return refusal::none;
  } else {
    return seen.add(&mark_of_type<T>) ? search_types<Direction>(seen, held_by<T, Direction>())
                                      : refusal::none;
  }
}

/// Why a T, or something that it is seen to hold, cannot cross.
template <class T, going Direction>
inline constexpr refusal refusal_of = [] {
  if constexpr (own_refusal<T, Direction> != refusal::none) {
    return own_refusal<T, Direction>;
  } else if constexpr (std::is_same_v<held_by<T, Direction>, types<>>) {
    return refusal::none;
  } else {
    seen_types seen;
    return search_type<T, Direction>(seen);
  }
}();

/// The same of a T that arrives and is what a call returns.
template <class T>
inline constexpr refusal refusal_of_returned = [] {
  if constexpr (refusal_of<T, going::in> != refusal::none) {
    return refusal_of<T, going::in>;
  } else {
    return std::is_move_constructible_v<T> ? refusal::none : refusal::not_movable;
  }
}();

/// Stands in the compiler's words between a type and what it is in.
template <class T>
struct in;
/// The type that cannot cross, and what it is in, from the inside to the outside. Compilers print it with
/// `possible`, which an assertion asks for.
template <class T, class... In>
struct crossing {
  static constexpr bool possible = false;
};

template <going Direction, class T, class... In>
consteval auto find_culprit();

template <going Direction, class In, class... Held>
struct culprit_among {
  using type = void;
};
template <going Direction, class... In, class First, class... Rest>
struct culprit_among<Direction, types<In...>, First, Rest...> {
  using found = decltype(find_culprit<Direction, First, In...>());
  using type =
      typename std::conditional_t<std::is_void_v<found>, culprit_among<Direction, types<In...>, Rest...>,
                                  std::type_identity<found>>::type;
};
template <going Direction, class... In, class... Held>
typename culprit_among<Direction, types<In...>, Held...>::type culprit_in(types<In...>, types<Held...>);

template <going Direction, class T, class... In>
consteval auto find_culprit() {
  if constexpr (own_refusal<T, Direction> != refusal::none) {
    return crossing<T, in<In>...>();
  } else if constexpr (!(std::is_same_v<T, In> || ...)) {
    using found = decltype(culprit_in<Direction>(types<T, In...>(), held_by<T, Direction>()));
    if constexpr (!std::is_void_v<found>) return found();
  }
}

}  // namespace ferry::detail
