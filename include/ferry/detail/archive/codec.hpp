// SPDX-License-Identifier: BSL-1.0
// Writing and reading one value by the encoding of its type (detail/archive/traits.hpp).
#pragma once

#include <ferry/detail/archive/in_passing.hpp>
#include <ferry/detail/archive/in_place.hpp>
#include <ferry/detail/archive/members.hpp>
#include <ferry/detail/archive/transferable.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/forking_iarchive.hpp>
#include <ferry/forking_oarchive.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry::detail {

/// Reads a value, built where what is returned goes: nothing of it is moved on the way.
template <class T>
T make(forking_iarchive& archive);
template <class T>
void load(forking_iarchive& archive, T& value);

// Of classes with a `serialize` of their own, and of what such functions write; defined in codec_boost.hpp.
template <class T, bool WithConstructData>
void save_boost(forking_oarchive& archive, const T* objects, std::size_t count);
template <class T>
void load_boost(forking_iarchive& archive, T* objects, std::size_t count);
template <class T>
T make_boost(forking_iarchive& archive);
template <class T>
void save_boost_wrapper(forking_oarchive& archive, const T& wrapper);
template <class T>
void load_boost_wrapper(forking_iarchive& archive, T& wrapper);

/// As `load`, for what no other object lies in: an element, or a member that is no empty one.
template <class T>
void load_part(forking_iarchive& archive, T& part);

/// Nothing takes no bytes, so that no count can promise more elements than the bytes after it justify: what
/// is empty is a zero.
inline void save_empty(forking_oarchive& archive) {
  archive.write_raw(std::byte{0});
}
inline void skip_empty(forking_iarchive& archive) {
  if (*archive.take(1) != std::byte{0}) archive.fail("an empty value is not the zero byte that it should be");
}

// --- numbers ---------------------------------------------------------------------------------------------

template <class T>
inline constexpr bool is_bool_like = std::is_same_v<T, bool>;
template <class T>
requires std::is_enum_v<T>
inline constexpr bool is_bool_like<T> = std::is_same_v<std::underlying_type_t<T>, bool>;

template <class T>
void save_number(forking_oarchive& archive, const T& value) {
  if constexpr (std::is_same_v<T, long double>) {
    // The bytes after the value are padding, which must not carry old memory to another process.
    unsigned char bytes[sizeof value] = {};
    std::memcpy(bytes, &value, std::numeric_limits<T>::digits == 64 ? 10 : sizeof value);
    archive.write_raw(bytes);
  } else {
    archive.write_raw(value);
  }
}

template <class T>
void load_number(forking_iarchive& archive, T& value) {
  if constexpr (is_bool_like<T>) {
    const unsigned char byte = archive.read_byte();
    if (byte > 1) archive.fail("a bool is neither 0 nor 1 but " + std::to_string(byte));
    value = static_cast<T>(byte != 0);
  } else {
    archive.read_raw(value);
  }
}

/// Of a class that is marked as primitive for Boost.
template <class T>
void save_primitive(forking_oarchive& archive, const T& value) {
  if constexpr (std::is_empty_v<T>) {
    save_empty(archive);
  } else {
    archive.write_block(std::addressof(value), sizeof value);
  }
}
template <class T>
void load_primitive(forking_iarchive& archive, T& value) {
  if constexpr (std::is_empty_v<T>) {
    skip_empty(archive);
  } else {
    archive.read_block(std::addressof(value), sizeof value);
  }
}

// --- contiguous elements ---------------------------------------------------------------------------------

/// Whether values of bitwise types are written as their own bytes alone under these options: no table in
/// reach has another way for any type, which might be one of theirs. What `is_block` says of an archive,
/// for those who can do without one then.
bool writes_plain(const archive_options& with);

/// True when elements of type T go as one block in this message.
template <class T, class Archive>
bool is_block(const Archive& archive) {
  if constexpr (!is_bitwise<T>) {
    return false;
  } else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
    return true;
  } else {
    return archive.override_mask() == 0;
  }
}

/// @returns false, with nothing done, where elements do not go as a block
template <class T>
bool save_as_block(forking_oarchive& archive, const T* elements, std::size_t count) {
  if (!is_block<T>(archive)) return false;
  archive.write_block(elements, count * sizeof(T));
  return true;
}
template <class T>
bool load_as_block(forking_iarchive& archive, T* elements, std::size_t count) {
  if constexpr (is_bitwise<T>) {
    if (is_block<T>(archive)) {
      archive.read_block(elements, count * sizeof(T));
      return true;
    }
  }
  return false;
}

template <class T>
void save_each(forking_oarchive& archive, const T* elements, std::size_t count) {
  for (std::size_t i = 0; i != count; ++i) detail::save(archive, elements[i]);
}
template <class T>
void load_each(forking_iarchive& archive, T* elements, std::size_t count) {
  for (std::size_t i = 0; i != count; ++i) load_part(archive, elements[i]);
}

// Out of line, to keep what is rarely needed out of the way of what is always done.
template <class T>
[[gnu::noinline]] void save_each_overridable(forking_oarchive& archive, const T* elements,
                                             std::size_t count) {
  save_each(archive, elements, count);
}
template <class T>
[[gnu::noinline]] void load_each_overridable(forking_iarchive& archive, T* elements, std::size_t count) {
  load_each(archive, elements, count);
}

template <class T>
void save_elements(forking_oarchive& archive, const T* elements, std::size_t count) {
  if (save_as_block(archive, elements, count)) return;
  if constexpr (encoding_of<T> != encoding::boost) {
    save_each(archive, elements, count);
  } else if (archive.override_mask() == 0) {
    save_boost<T, needs_construct_data<T>>(archive, elements, count);
  } else {
    save_each_overridable(archive, elements, count);
  }
}

template <class T>
void load_elements(forking_iarchive& archive, T* elements, std::size_t count) {
  if constexpr (std::is_const_v<T>) refuse_const<std::remove_const_t<T>>();
  if (load_as_block(archive, elements, count)) return;
  if constexpr (encoding_of<T> != encoding::boost || needs_construct_data<T>) {
    load_each(archive, elements, count);
  } else if (archive.override_mask() == 0) {
    load_boost(archive, elements, count);
  } else {
    load_each_overridable(archive, elements, count);
  }
}

// --- reducers --------------------------------------------------------------------------------------------

/// What an argument of `rebuild` is when it arrives: what owns the content of what was sent.
template <class T>
struct arrived {
  using type = T;
};
template <>
struct arrived<handle_view> {
  using type = unique_handle;
};
template <class Char>
struct arrived<std::basic_string_view<Char>> {
  using type = std::basic_string<Char>;
};
template <class T, std::size_t Extent>
struct arrived<std::span<T, Extent>> {
  using type = std::vector<std::remove_cv_t<T>>;
};

template <class Tuple>
struct arrived_arguments {
  using type = std::tuple<>;
  static_assert(
      !std::is_same_v<Tuple, Tuple>,
      "ferry: `reduce` must return a std::tuple (or std::tie) of the arguments that `rebuild` takes");
};
template <class... Arguments>
struct arrived_arguments<std::tuple<Arguments...>> {
  using type = std::tuple<typename arrived<std::remove_cvref_t<Arguments>>::type...>;
};
template <class First, class Second>
struct arrived_arguments<std::pair<First, Second>> : arrived_arguments<std::tuple<First, Second>> {};

template <class Arguments>
void save_arguments(forking_oarchive& archive, const Arguments& arguments) {
  static_cast<void>(sizeof(arrived_arguments<Arguments>));  // says so if these are none
  if constexpr (requires { std::tuple_size<Arguments>::value; })
    std::apply([&](const auto&... each) { (detail::save(archive, each), ...); }, arguments);
}

/// Takes an object apart and writes the arguments.
template <class T, class Reduce>
void save_reduced(forking_oarchive& archive, const T& value, const Reduce& reduce) {
  using arguments = decltype(reduce(value));
  if constexpr (std::is_object_v<arguments>) {
    in_passing<arguments> taken([&]() -> arguments { return reduce(value); });
    save_arguments(archive, *taken);
  } else {
    save_arguments(archive, reduce(value));
  }
}

template <std::size_t, class T>
struct made_value {
  in_passing<T> value;
  explicit made_value(forking_iarchive& archive) : value([&]() -> T { return detail::make<T>(archive); }) {}
};
template <class Indices, class... Each>
class numbered_values;
template <std::size_t... I, class... Each>
class numbered_values<std::index_sequence<I...>, Each...> : made_value<I, Each>... {
 public:
  explicit numbered_values([[maybe_unused]] forking_iarchive& archive) : made_value<I, Each>(archive)... {}
  template <class Function>
  decltype(auto) pass_to(Function&& function) {
    return std::forward<Function>(function)(*static_cast<made_value<I, Each>&>(*this).value...);
  }
};
/// Values read one after the other, none of which is on the stack if it is large. A class has its bases made
/// in their order, which the standard does not promise of a std::tuple.
template <class... Each>
using made_values = numbered_values<std::index_sequence_for<Each...>, Each...>;

template <class Arguments, class Rebuild>
decltype(auto) rebuild_from(forking_iarchive& archive, const Rebuild& rebuild) {
  using arrived_tuple = typename arrived_arguments<std::remove_cvref_t<Arguments>>::type;
  return [&]<class... Each>(std::type_identity<std::tuple<Each...>>) -> decltype(auto) {
    made_values<Each...> arguments(archive);
    return arguments.pass_to(
        [&](Each&... each) -> decltype(auto) { return std::invoke(rebuild, std::move(each)...); });
  }(std::type_identity<arrived_tuple>{});
}

template <class T>
consteval bool is_guarded() {
  if constexpr (requires { reducer<T>::guarded; }) {
    return reducer<T>::guarded;
  } else {
    return false;
  }
}

// --- aggregates ------------------------------------------------------------------------------------------

template <class T>
void save_aggregate(forking_oarchive& archive, const T& value) {
  if constexpr (member_count<T> == 0) {
    save_empty(archive);
  } else if (!save_as_block(archive, std::addressof(value), 1)) {
    archive.expect_members_of<T>();
    for_each_member(value, [&](const auto& member) { detail::save(archive, member); });
  }
}

/// Whether another member lies in the bytes of this one, as [[no_unique_address]] allows.
template <class T, class Member>
bool shares_its_bytes(T& value, const Member& member) {
  const auto address = [](const auto& object) {
    return reinterpret_cast<std::uintptr_t>(std::addressof(object));
  };
  bool shares = false;
  for_each_member(value, [&]<class Other>(const Other& other) {
    if (std::is_same_v<Other, Member> && address(other) == address(member)) return;
    if (address(other) < address(member) + sizeof member && address(member) < address(other) + sizeof other)
      shares = true;
  });
  return shares;
}

template <class T>
void load_aggregate(forking_iarchive& archive, T& value) {
  if constexpr (member_count<T> == 0) {
    skip_empty(archive);
  } else if (!load_as_block(archive, std::addressof(value), 1)) {
    for_each_member(value, [&]<class Member>(Member& member) {
      if constexpr (!reads_into<Member> && may_overlap<Member>()) {
        if (shares_its_bytes(value, member)) return detail::load(archive, member);
      }
      load_part(archive, member);
    });
  }
}

/// The type of what initialiser number `At` of a T initialises: a member, or an element of a member that is
/// an array.
template <class T, std::size_t At, std::size_t Member = 0>
consteval auto find_initialised() {
  using member = member_type<Member, T>;
  using element = std::remove_all_extents_t<member>;
  constexpr std::size_t count = sizeof(member) / sizeof(element);
  if constexpr (At < count) {
    return std::type_identity<std::remove_const_t<element>>();
  } else {
    return find_initialised<T, At - count, Member + 1>();
  }
}
template <class T, std::size_t At>
using initialised_type = typename decltype(find_initialised<T, At>())::type;

#ifdef __clang__
#  pragma clang diagnostic push
#  pragma clang diagnostic ignored \
      "-Wmissing-braces"  // left out on purpose: elements of arrays are initialisers too
#endif
/// Each initialiser is of the very type: something that turns into any type would be taken by constructors
/// that take anything, as that of an optional, which then holds what should have been read in place of it.
template <class T>
T make_aggregate(forking_iarchive& archive) {
  return [&]<std::size_t... At>(std::index_sequence<At...>) {
    return T{detail::make<initialised_type<T, At>>(archive)...};
  }
  (std::make_index_sequence<initialiser_count<T>>{});
}
#ifdef __clang__
#  pragma clang diagnostic pop
#endif

// --- any value -------------------------------------------------------------------------------------------

/// Writes the value by the encoding of its type, without looking for an entry that overrides it.
template <class T>
void save_by_encoding(forking_oarchive& archive, const T& value) {
  if constexpr (encoding_of<T> == encoding::run_time) {
    const dispatch_entry& entry = archive.entry_for(typeid(T));
    archive.write_name(entry.label().text);
    entry.save(archive, std::addressof(value));
  } else if constexpr (encoding_of<T> == encoding::reduced) {
    if constexpr (is_guarded<T>()) archive.check_guard(typeid(T));
    archive.write_name(reducer<T>::name);
    save_reduced(archive, value, [](const T& whole) -> decltype(auto) { return reducer<T>::reduce(whole); });
  } else if constexpr (encoding_of<T> == encoding::array) {
    save_elements(archive, std::data(value), std::extent_v<T>);
  } else if constexpr (encoding_of<T> == encoding::standard) {
    codec<T>::save(archive, value);
  } else if constexpr (encoding_of<T> == encoding::boost) {
    if (!save_as_block(archive, std::addressof(value), 1))
      save_boost<T, needs_construct_data<T>>(archive, std::addressof(value), 1);
  } else if constexpr (encoding_of<T> == encoding::primitive) {
    save_primitive(archive, value);
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    save_aggregate(archive, value);
  }
}

template <class T>
inline constexpr bool may_be_overridden =
    std::is_class_v<T>&& encoding_of<T> != encoding::run_time&& encoding_of<T> !=
    encoding::boost_wrapper&& encoding_of<T> != encoding::handle;

// Out of line, to keep what is rarely needed out of the way of what is always done.
template <class T>
[[gnu::noinline]] bool save_overridden(forking_oarchive& archive, const T& value) {
  const nesting level(archive);
  return archive.save_override(typeid(T), identity_of<T>().hash, std::addressof(value));
}

template <class T>
inline void save(forking_oarchive& archive, const T& value) {
  if constexpr (encoding_of<T> == encoding::number) {
    save_number(archive, value);
  } else if constexpr (encoding_of<T> == encoding::handle) {
    archive.write_handle(value);
  } else if constexpr (encoding_of<T> == encoding::boost_wrapper) {
    save_boost_wrapper(archive, value);
  } else if constexpr (check_part<T, going::out>()) {
    if constexpr (may_be_overridden<T>) {
      if (archive.override_mask() != 0 && save_overridden(archive, value)) return;
    }
    save_by_encoding(archive, value);
  }
}

template <class T>
void load_by_encoding(forking_iarchive& archive, T& value);

/// Reads an object that was written by an entry, the only encoding that its type has.
template <class T>
erased_object load_run_time(forking_iarchive& archive) {
  const dispatch_entry& entry = archive.entry_named(archive.read_name());
  if (entry.type() != typeid(T)) archive.fail("'" + entry.name() + "' is not " + identity_of<T>().name);
  return entry.load(archive);
}

/// A variable of the function itself is where it is returned to; of a block in it, GCC makes a second one.
template <class T>
T make_in_place(forking_iarchive& archive) {
  T value = T();  // with braces a member would need a default constructor that is not explicit
  load_by_encoding(archive, value);
  return value;
}

/// Reads a value by the encoding of its type.
template <class T>
T make_by_encoding(forking_iarchive& archive) {
  if constexpr (encoding_of<T> == encoding::run_time) {
    return std::move(*static_cast<T*>(load_run_time<T>(archive).get()));
  } else if constexpr (encoding_of<T> == encoding::reduced) {
    archive.expect_name(reducer<T>::name);
    return rebuild_from<decltype(reducer<T>::reduce(std::declval<const T&>()))>(
        archive,
        [](auto&&... each) -> T { return reducer<T>::rebuild(std::forward<decltype(each)>(each)...); });
  } else if constexpr (loads_in_place<T>) {
    return make_in_place<T>(archive);
  } else if constexpr (encoding_of<T> == encoding::boost) {
    return make_boost<T>(archive);
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    return make_aggregate<T>(archive);
  } else if constexpr (encoding_of<T> == encoding::primitive) {
    std::array<std::byte, sizeof(T)> bytes{};
    load_primitive(archive, bytes);
    return std::bit_cast<T>(bytes);
  } else if constexpr (requires { codec<T>::make(archive); }) {
    return codec<T>::make(archive);
  } else {
    refuse_to_make<T>();
    archive.fail("a container that cannot be made");
  }
}

/// Makes a T and puts it in the place of one that there is.
/// @param IsWhole  as of `replace`
template <bool IsWhole, class T>
void load_anew(forking_iarchive& archive, T& value) {
  in_passing<T> fresh([&]() -> T { return make_by_encoding<T>(archive); });
  replace<IsWhole>(value, fresh.take());
}

template <class T>
inline void load_by_encoding(forking_iarchive& archive, T& value) {
  if constexpr (encoding_of<T> == encoding::number) {
    load_number(archive, value);
  } else if constexpr (encoding_of<T> == encoding::array) {
    load_elements(archive, std::data(value), std::extent_v<T>);
  } else if constexpr (encoding_of<T> == encoding::primitive) {
    load_primitive(archive, value);
  } else if constexpr (!reads_into<T>) {
    load_anew<false>(archive, value);
  } else if constexpr (encoding_of<T> == encoding::boost) {
    if (!load_as_block(archive, std::addressof(value), 1)) load_boost(archive, std::addressof(value), 1);
  } else if constexpr (encoding_of<T> == encoding::standard) {
    codec<T>::load(archive, value);
  } else if constexpr (encoding_of<T> == encoding::aggregate) {
    load_aggregate(archive, value);
  }
}

/// What the writer wrote by an entry that overrides the encoding of the type; null if it did not.
template <class T>
[[gnu::noinline]] erased_object load_overridden(forking_iarchive& archive) {
  const nesting level(archive);
  const dispatch_entry* const entry = archive.read_override(typeid(T), identity_of<T>().hash);
  return entry != nullptr ? entry->load(archive) : erased_object(nullptr, [](void*) {});
}
template <bool IsWhole, class T>
[[gnu::noinline]] bool load_overridden(forking_iarchive& archive, T& value) {
  const erased_object loaded = load_overridden<T>(archive);
  if (loaded) {
    if constexpr (std::is_move_constructible_v<T>) {
      replace<IsWhole>(value, std::move(*static_cast<T*>(loaded.get())));
    } else if constexpr (std::is_move_assignable_v<T>) {
      value = std::move(*static_cast<T*>(loaded.get()));
    } else {
      archive.fail("a " + identity_of<T>().name +
                   " was written by an entry of a dispatch table, and cannot " +
                   "be put in the place of the one that is there");
    }
  }
  return loaded != nullptr;
}

template <class T>
T make(forking_iarchive& archive) {
  if constexpr (encoding_of<T> == encoding::number) {
    T value = T();
    load_number(archive, value);
    return value;
  } else if constexpr (std::is_same_v<T, unique_handle>) {
    return archive.read_handle();
  } else if constexpr (check_part<T, going::in>()) {
    if constexpr (may_be_overridden<T>) {
      if (archive.override_mask() != 0) {
        if (const erased_object loaded = load_overridden<T>(archive))
          return std::move(*static_cast<T*>(loaded.get()));
      }
    }
    return make_by_encoding<T>(archive);
  } else {
    std::terminate();  // never compiled, and so no second complaint
  }
}

template <class T>
inline void load(forking_iarchive& archive, T& value) {
  if constexpr (encoding_of<T> == encoding::number) {
    load_number(archive, value);
  } else if constexpr (std::is_same_v<T, unique_handle>) {
    value = archive.read_handle();
  } else if constexpr (encoding_of<T> == encoding::boost_wrapper) {
    load_boost_wrapper(archive, value);
  } else if constexpr (check_part<T, going::in>()) {
    if constexpr (may_be_overridden<T>) {
      if (archive.override_mask() != 0 && load_overridden<false>(archive, value)) return;
    }
    load_by_encoding(archive, value);
  }
}

/// Reads into what user code names, which may be a const wrapper of what is not const.
template <class T>
inline void load_into(forking_iarchive& archive, T& value) {
  using object = std::remove_const_t<T>;
  if constexpr (!std::is_const_v<T>) {
    detail::load(archive, value);
  } else if constexpr (stands_for_another<object>()) {
    detail::load(archive, const_cast<object&>(value));
  } else {
    refuse_const<object>();
  }
}

template <class T>
inline void load_part(forking_iarchive& archive, T& part) {
  if constexpr (!reads_into<T>) {
    if constexpr (check_part<T, going::in>()) {
      if constexpr (may_be_overridden<T>) {
        if (archive.override_mask() != 0 && load_overridden<true>(archive, part)) return;
      }
      load_anew<true>(archive, part);
    }
  } else {
    detail::load(archive, part);
  }
}

}  // namespace ferry::detail
