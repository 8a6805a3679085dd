// SPDX-License-Identifier: BSL-1.0
// Traits for reading in place: whether a value is made first and then read into, or made of what was read.
#pragma once

#include <ferry/detail/archive/transferable.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry::detail {

/// True of a class that crosses with what `save_construct_data` writes: everywhere, for it may have to be
/// made. Others have construct data behind pointers alone, as with Boost.
template <class T>
inline constexpr bool needs_construct_data =
    !std::is_default_constructible_v<T> && !std::is_abstract_v<T> && has_construct_data<T>;

template <class T>
consteval bool find_reads_into();
/// True if an existing T is read into part by part, false if one is made and put in its place.
template <class T>
inline constexpr bool reads_into = find_reads_into<T>();

/// True if there is a way to read into an existing part of something.
template <class T>
consteval bool is_readable_part() {
  if constexpr (std::is_const_v<T>) {
    return false;
  } else if constexpr (reads_into<T>) {
    return true;
  } else {
    return std::is_move_constructible_v<T>;
  }
}

/// Of the types of the standard library that consist of parts, as an aggregate does of its members.
template <class T>
inline constexpr bool has_readable_parts = true;
template <class First, class Second>
inline constexpr bool has_readable_parts<std::pair<First, Second>> =
    is_readable_part<std::remove_const_t<First>>() && is_readable_part<Second>();
template <class... Each>
inline constexpr bool has_readable_parts<std::tuple<Each...>> = (is_readable_part<Each>() && ...);
template <class T, std::size_t Size>
inline constexpr bool has_readable_parts<std::array<T, Size>> = is_readable_part<T>();

template <class T>
consteval bool find_reads_into() {
  if constexpr (encoding_of<T> == encoding::reduced || encoding_of<T> == encoding::run_time) {
    return false;
  } else if constexpr (encoding_of<T> == encoding::none || is_view<T>) {
    return true;  // it is about to be refused
  } else if constexpr (encoding_of<T> == encoding::array) {
    return is_readable_part<std::remove_extent_t<T>>();
  } else if constexpr (encoding_of<T> == encoding::standard) {
    return has_readable_parts<T> && requires(forking_iarchive & archive, T & value) {
      codec<T>::load(archive, value);
    };
  } else if constexpr (encoding_of<T> == encoding::boost) {
    // Also a base class that cannot be made by itself, and what cannot be put in its place.
    return !(needs_construct_data<T> && std::is_move_constructible_v<T>);
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    if constexpr (reject_reason_of<T> != reject_reason::none) {
      return true;  // it is about to be refused
    } else {
      return []<std::size_t... I>(std::index_sequence<I...>) {
        return (is_readable_part<member_type<I, T>>() && ...);
      }
      (std::make_index_sequence<member_count<T>>{});
    }
  } else {
    return true;
  }
}

template <class T>
consteval bool find_loads_in_place();
/// True if a T can be made first and read into afterwards, as cycles of pointers need it.
template <class T>
inline constexpr bool loads_in_place = find_loads_in_place<T>();

/// True of a container whose allocator is made with arguments: some containers say all the same that they can
/// be made without.
template <class T>
inline constexpr bool needs_own_allocator = false;
template <class T>
requires requires {
  typename T::allocator_type;
}
inline constexpr bool needs_own_allocator<T> = !std::is_default_constructible_v<typename T::allocator_type>;

/// True unless T is a container that needs a comparator, a hash or an allocator which it would not have if it
/// were made without arguments, or something with such a part.
template <class T>
consteval bool is_complete_by_default();
template <class T>
inline constexpr bool has_complete_parts = !needs_own_functions<T> && !needs_own_allocator<T>;
template <class First, class Second>
inline constexpr bool has_complete_parts<std::pair<First, Second>> =
    is_complete_by_default<std::remove_const_t<First>>() && is_complete_by_default<Second>();
template <class... Each>
inline constexpr bool has_complete_parts<std::tuple<Each...>> = (is_complete_by_default<Each>() && ...);
template <class T, std::size_t Size>
inline constexpr bool has_complete_parts<std::array<T, Size>> = is_complete_by_default<T>();

template <class T>
consteval bool is_complete_by_default() {
  if constexpr (std::is_array_v<T>) {
    return is_complete_by_default<std::remove_all_extents_t<T>>();
  } else if constexpr (encoding_of<T> == encoding::standard) {
    return has_complete_parts<T>;
  } else if constexpr (encoding_of<T> == encoding::aggregate && own_refusal<T, going::in> == refusal::none) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (is_complete_by_default<std::remove_const_t<member_type<I, T>>>() && ...);
    }
    (std::make_index_sequence<member_count<T>>{});
  } else {
    return true;
  }
}

template <class T>
consteval bool find_loads_in_place() {
  if constexpr (!std::is_default_constructible_v<T> || encoding_of<T> == encoding::handle ||
                encoding_of<T> == encoding::none) {
    return false;
  } else if constexpr (reads_into<T>) {
    return is_complete_by_default<T>();
  } else {
    return false;
  }
}

}  // namespace ferry::detail
