// What the compiler says of a type that cannot cross to another process.
#pragma once

#include <ferry/detail/traits.hpp>

#include <memory>
#include <string_view>
#include <type_traits>

namespace ferry::detail {

template <class T>
inline constexpr bool is_view = false;
template <class Char>
inline constexpr bool is_view<std::basic_string_view<Char>> = true;
template <class T, std::size_t Extent>
inline constexpr bool is_view<std::span<T, Extent>> = true;

template <class T>
constexpr bool is_std_lock() {
  constexpr std::string_view name = spelled_name<T>();
  return is_in_std<T> && (name.find("mutex") != name.npos || name.find("condition_variable") != name.npos ||
                          name.find("atomic") != name.npos || name.find("semaphore") != name.npos ||
                          name.find("std::barrier") != name.npos || name.find("std::latch") != name.npos);
}

template <class T>
constexpr bool is_lambda() {
  constexpr std::string_view name =
      spelled_name<T>();  // GCC: "main()::<lambda(int)>", Clang: "(lambda at file:3:7)"
  return std::is_class_v<T> && (name.find("<lambda(") != name.npos || name.find("(lambda at ") != name.npos);
}

template <class T>
concept iterable = requires(T& range) {
  range.begin();
  range.end();
};

enum class hindrance { none, base, reference };

/// What keeps an aggregate from being taken apart.
template <class T>
consteval hindrance hindrance_of() {
  if constexpr (way_of<T> != way::aggregate) {
    return hindrance::none;
  } else if constexpr (has_base<T>) {
    return hindrance::base;
  } else if constexpr (has_reference_member<T>) {
    return hindrance::reference;
  } else {
    return hindrance::none;
  }
}

#define FERRY_CANNOT_CROSS \
  "ferry: this type (see T in the lines around this one) cannot cross to another process: "

/// Instantiated for every type that is to cross; its name in the compiler's output carries the type's name.
template <class T>
struct type_cannot_cross {
  static constexpr bool crosses = way_of<T> != way::none;
  static constexpr bool is_function_pointer =
      std::is_function_v<T> || (std::is_pointer_v<T> && std::is_function_v<std::remove_pointer_t<T>>);
  static constexpr bool is_pointer =
      std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_null_pointer_v<T>;

  /// False when one of the assertions below fails: then nothing more is instantiated, lest they be buried.
  static constexpr bool checked = crosses && hindrance_of<T>() == hindrance::none;

  static_assert(hindrance_of<T>() != hindrance::base,
                "ferry: the aggregate T (see the lines around this one) has a base class, whose members "
                "nobody can name. Ways out: make the base a member; give T a Boost.Serialization `serialize` "
                "function; or specialise ferry::reducer<T>");
  static_assert(
      hindrance_of<T>() != hindrance::reference,
      "ferry: the aggregate T (see the lines around this one) has a member that is a reference, or "
      "const without a value of its own, or more than 100 members. Ways out: make the member a value; "
      "nest aggregates; or specialise ferry::reducer<T>");
  /// True when BOOST_CLASS_IMPLEMENTATION says what one of the next two assertions repeats.
  static constexpr bool is_barred = !crosses && (is_marked_not_serializable<T> || is_marked_primitive<T>);
  static_assert(
      crosses || !is_marked_not_serializable<T>, FERRY_CANNOT_CROSS
      "BOOST_CLASS_IMPLEMENTATION marks it as not_serializable. Ways out: leave it out of what is sent; take "
      "the mark away; or specialise ferry::reducer<T>");
  static_assert(
      crosses || !is_marked_primitive<T>, FERRY_CANNOT_CROSS
      "BOOST_CLASS_IMPLEMENTATION marks it as primitive_type, which crosses as its bytes, and it has more to "
      "it than its bytes: a destructor, a base or virtual functions. Ways out: mark it object_serializable "
      "and "
      "give it a `serialize` function; or specialise ferry::reducer<T>");
  static_assert(
      !std::is_reference_v<T>, FERRY_CANNOT_CROSS
      "it is a reference, to memory that the other process does not have. Ways out: send the value; or "
      "put it in ferry::shared_memory and send that");
  static_assert(
      !is_function_pointer, FERRY_CANNOT_CROSS
      "it is a pointer to a function, which means nothing elsewhere. Ways out: ferry::fn<&function>, which "
      "crosses by name; or a function object with a reducer");
  static_assert(
      !is_pointer || is_function_pointer, FERRY_CANNOT_CROSS
      "it is a raw pointer, which says neither who owns it nor how much it points to. Ways out: "
      "std::unique_ptr, std::shared_ptr or a container; ferry::shared_memory; or, among trusted peers, "
      "ferry::tracking_oarchive");
  static_assert(
      crosses || !is_lambda<T>(), FERRY_CANNOT_CROSS
      "it is a lambda with captures, whose members nobody can name. Ways out: pass the captured values as "
      "arguments; write a struct with operator() and its state as members; or start the process with "
      "start_method::fork, which copies memory");
  static_assert(crosses || !is_std_lock<T>(), FERRY_CANNOT_CROSS
                "it synchronises the threads of one process only. Ways out: Ferry's own mutex, semaphore or "
                "event, which "
                "live in shared memory; or std::atomic_ref on a ferry::shared_value");
  static_assert(
      crosses || is_barred || is_lambda<T>() || is_std_lock<T>() || !std::is_class_v<T> || !iterable<T>,
      FERRY_CANNOT_CROSS
      "it is a view, a generator or a range that does not own its elements. Ways out: collect it into a "
      "container, e.g. std::vector, and send that; or specialise ferry::reducer<T>");
  static_assert(
      crosses || is_barred || is_function_pointer || is_pointer || is_lambda<T>() || is_std_lock<T>() ||
          (std::is_class_v<T> && iterable<T>) || std::is_reference_v<T>,
      FERRY_CANNOT_CROSS
      "Ways out: make it an aggregate whose members can cross; give it a Boost.Serialization `serialize` "
      "function; specialise ferry::reducer<T> with name, reduce and rebuild; or register these while the "
      "program runs, with dispatch_table::add and registered_at_run_time<T>");
};

/// Instantiated for a const object that is to be read into.
template <class T>
struct const_object_cannot_be_read {
  static_assert(
      !std::is_same_v<T, T>,
      "ferry: an object is to be read that is const (see T in the lines around this one), and reading "
      "would change it. Ways out: drop the const; give the member its value where the object is made, "
      "by load_construct_data or a ferry::reducer; or, if it is a wrapper that stands for another "
      "object, say so with BOOST_CLASS_IS_WRAPPER");
};

/// As above, for reading.
template <class T>
struct type_cannot_arrive : type_cannot_cross<T> {
  static constexpr bool checked =
      type_cannot_cross<T>::checked && !is_view<T> && !std::is_same_v<T, handle_view>;

  static_assert(!is_view<T>,
                "ferry: this type (see T in the lines around this one) can be sent, but not received: it "
                "is a view of memory that nobody here owns. Ways out: receive std::string for "
                "std::string_view, std::vector<X> for std::span<X>");
  static_assert(!std::is_same_v<T, handle_view>,
                "ferry: a ferry::handle_view can be sent, but not received: receive a "
                "ferry::unique_handle, which owns what arrived");
};

#undef FERRY_CANNOT_CROSS

}  // namespace ferry::detail
