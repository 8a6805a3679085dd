// SPDX-License-Identifier: BSL-1.0
// Encoding of each type, decided at compile time: the first in the order of `encoding` that fits.
#pragma once

#include <ferry/detail/archive/aggregate.hpp>
#include <ferry/detail/archive/type_name.hpp>
#include <ferry/handle.hpp>
#include <ferry/reducer.hpp>

#include <boost/serialization/is_bitwise_serializable.hpp>
#include <boost/serialization/level.hpp>
#include <boost/serialization/serialization.hpp>
#include <boost/serialization/wrapper.hpp>

#include <concepts>
#include <exception>
#include <type_traits>

namespace boost::serialization {
template <class T>
class nvp;
template <class T>
class array_wrapper;
class collection_size_type;
class item_version_type;
struct binary_object;
}  // namespace boost::serialization

namespace ferry {

class forking_oarchive;
class forking_iarchive;

/// Specialise as true for a type that has no `reducer<T>` and no other way to cross, because its reduce and
/// rebuild are registered with `dispatch_table::add` while the program runs. Exceptions need not: they cross
/// by their dynamic type anyway.
template <class T>
inline constexpr bool registered_at_run_time = std::is_base_of_v<std::exception, T>;

namespace detail {

/// How one standard type is written and read; specialised in the codec_*.hpp files.
template <class T>
struct codec;

template <class T>
concept has_codec = requires {
  sizeof(codec<T>);
};

template <class T>
concept has_reducer = requires {
  sizeof(reducer<T>);
};

// --- user code written for Boost.Serialization -----------------------------------------------------------

// A member named `serialize`, even a private one: if T has it, the name is ambiguous in a class that inherits
// it from two sides.
struct serialize_name {
  int serialize;
};
template <class T>
struct inherits_serialize_name : T, serialize_name {};
template <class T>
concept has_unambiguous_serialize = requires {
  &inherits_serialize_name<T>::serialize;
};
template <class T>
consteval bool has_member_serialize() {
  if constexpr (!std::is_class_v<T>) {
    return false;
  } else if constexpr (std::is_final_v<T>) {  // cannot be inherited from; its serialize must be public
    return requires(T & value, forking_oarchive & archive) {
      value.serialize(archive, 0U);
    };
  } else {
    return !has_unambiguous_serialize<T>;
  }
}

// A free function `serialize`: Boost has a catch-all template of that name, so we add a second one that is
// exactly as good. Only a function that is more specialised than both makes the call unambiguous.
namespace probe {
struct version : boost::serialization::version_type {};
template <class Archive, class T>
void serialize(Archive&, T&, unsigned int);
}  // namespace probe
template <class T>
concept has_free_serialize = requires(forking_oarchive& archive, T& value, const probe::version& version) {
  serialize(archive, value, version);
};

// Whether save_construct_data and load_construct_data are the user's own, found in the same way.
namespace probe {
template <class Archive, class T>
void load_construct_data(Archive&, T*, unsigned int);
}  // namespace probe
template <class T>
concept has_construct_data = requires(forking_iarchive& archive, T* memory, const probe::version& version) {
  load_construct_data(archive, memory, version);
};

template <class T>
concept has_boost_serialize = std::is_class_v<T> &&(has_member_serialize<T>() || has_free_serialize<T>);

// Boost's headers for the standard's types mark these for its own archives. They are not asked about: that
// would be an error in such a header that is included later.
template <class T>
concept may_be_marked = (std::is_class_v<T> || std::is_enum_v<T>)&&!is_in_std<T>;

// What BOOST_CLASS_IMPLEMENTATION says of a class or an enumeration.
template <class T>
consteval bool is_marked(boost::serialization::level_type level) {
  if constexpr (may_be_marked<T>) {
    return static_cast<int>(boost::serialization::implementation_level<T>::value) == static_cast<int>(level);
  } else {
    return false;
  }
}
template <class T>
inline constexpr bool is_marked_not_serializable = is_marked<T>(boost::serialization::not_serializable);
/// A class that crosses as its bytes, and whose `serialize` is not called, if it has one.
template <class T>
inline constexpr bool is_marked_primitive =
    std::is_class_v<T>&& is_marked<T>(boost::serialization::primitive_type);
/// True of a class that owns nothing but its bytes, as far as one can see: BOOST_STRONG_TYPEDEF copies by
/// code of its own.
template <class T>
inline constexpr bool is_its_bytes = std::is_trivially_copyable_v<T> ||
                                     (std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T>);

// --- the decision ----------------------------------------------------------------------------------------

enum class encoding {
  none,           // cannot cross
  number,         // arithmetic types and enumerations
  handle,         // unique_handle, handle_view (writing)
  reduced,        // reducer<T>
  array,          // C arrays
  boost_wrapper,  // nvp, array_wrapper and the like
  standard,       // codec<T>
  primitive,      // classes marked primitive_type for Boost: their bytes
  boost,          // serialize, as a member or free
  aggregate,      // member by member
  run_time,       // registered_at_run_time<T>
};

template <class T>
inline constexpr bool is_boost_wrapper = false;
template <class T>
inline constexpr bool is_boost_wrapper<boost::serialization::nvp<T>> = true;
template <class T>
inline constexpr bool is_boost_wrapper<boost::serialization::array_wrapper<T>> = true;
template <>
inline constexpr bool is_boost_wrapper<boost::serialization::collection_size_type> = true;
template <>
inline constexpr bool is_boost_wrapper<boost::serialization::item_version_type> = true;
template <>
inline constexpr bool is_boost_wrapper<boost::serialization::binary_object> = true;

/// True of what stands for another object, which is read into though the wrapper is const: those above, and
/// those of users (BOOST_CLASS_IS_WRAPPER, wrapper_traits).
template <class T>
consteval bool stands_for_another() {
  if constexpr (std::is_class_v<T> && may_be_marked<T>) {
    return is_boost_wrapper<T> || boost::serialization::is_wrapper<T>::type::value;
  } else {
    return false;
  }
}

template <class T>
consteval encoding find_encoding() {
  if constexpr (std::is_arithmetic_v<T> || (std::is_enum_v<T> && !is_marked_not_serializable<T>)) {
    return encoding::number;
  } else if constexpr (std::is_same_v<T, unique_handle> || std::is_same_v<T, handle_view>) {
    return encoding::handle;
  } else if constexpr (has_reducer<T>) {
    return encoding::reduced;
  } else if constexpr (is_marked_not_serializable<T>) {
    return encoding::none;
  } else if constexpr (std::is_bounded_array_v<T>) {
    return encoding::array;
  } else if constexpr (is_boost_wrapper<T>) {
    return encoding::boost_wrapper;
  } else if constexpr (has_codec<T>) {
    return encoding::standard;
  } else if constexpr (is_marked_primitive<T>) {
    return is_its_bytes<T> ? encoding::primitive : encoding::none;
  } else if constexpr (has_boost_serialize<T>) {
    return encoding::boost;
  } else if constexpr (std::is_class_v<T> && std::is_aggregate_v<T> && !std::is_polymorphic_v<T> &&
                       !is_in_std<T>) {
    return encoding::aggregate;
  } else if constexpr (std::is_class_v<T> && registered_at_run_time<T>) {
    return encoding::run_time;
  } else {
    return encoding::none;
  }
}

template <class T>
inline constexpr encoding encoding_of = find_encoding<T>();

// --- contiguous blocks -----------------------------------------------------------------------------------

template <class T>
consteval bool find_bitwise();

/// Arrays of T are one memcpy: every bit pattern is a value, there is no padding, and no user code to run.
template <class T>
inline constexpr bool is_bitwise = find_bitwise<T>();

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t Size>
inline constexpr bool is_std_array<std::array<T, Size>> = (Size > 0);

template <class T>
consteval bool has_only_bitwise_fields() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return sizeof...(I) > 0 && (is_bitwise<member_type<I, T>> && ...) &&
           (sizeof(member_type<I, T>) + ... + 0) == sizeof(T);
  }
  (std::make_index_sequence<member_count<T>>{});
}

template <class T>
consteval bool find_bitwise() {
  if constexpr (!std::is_trivially_copyable_v<T> || std::is_const_v<T>) {
    return false;
  } else if constexpr (std::is_enum_v<T>) {
    return !std::is_same_v<std::underlying_type_t<T>, bool>;
  } else if constexpr (std::is_arithmetic_v<T>) {
    return !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
  } else if constexpr (std::is_array_v<T>) {
    return is_bitwise<std::remove_all_extents_t<T>>;
  } else if constexpr (is_std_array<T>) {
    return encoding_of<T> == encoding::standard && is_bitwise<typename T::value_type>;
  } else if constexpr (encoding_of<T> == encoding::boost) {
    // One that is made from construct data, or by a friend, is read differently.
    return std::is_default_constructible_v<T> && boost::serialization::is_bitwise_serializable<T>::value;
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    if constexpr (reject_reason_of<T> != reject_reason::none) {
      return false;
    } else {
      return has_only_bitwise_fields<T>();
    }
  } else if constexpr (encoding_of<T> == encoding::primitive) {
    return !std::is_empty_v<T> && std::is_default_constructible_v<T>;
  } else {
    return false;
  }
}

}  // namespace detail
}  // namespace ferry
