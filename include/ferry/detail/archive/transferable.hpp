// SPDX-License-Identifier: BSL-1.0
// Compile-time check that a type can cross to another process, with the error for one that cannot.
#pragma once

#include <ferry/detail/archive/refusal.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace ferry::detail {

/// A call that cannot be made, as `crossing`.
template <class F, class... Args>
struct call_with_arguments {
  static constexpr bool possible = false;
};

// C++26 takes a text that is made for the type; before, it has to be a literal.
#if defined(__cpp_static_assert) && __cpp_static_assert >= 202306L
/// A text, and behind it the names of the types that it is about.
template <std::size_t Size>
struct refusal_text {
  std::array<char, Size> text{};
  std::size_t used = 0;

  constexpr void append(std::string_view more) {
    for (const char c : more.substr(0, Size - used)) text[used++] = c;
  }
  constexpr std::size_t size() const noexcept { return used; }
  constexpr const char* data() const noexcept { return text.data(); }
};

template <class Subject>
struct names_of;
template <class T, class... In>
struct names_of<crossing<T, in<In>...>> {
  static constexpr std::size_t size = (spelled_name<T>().size() + ... + (spelled_name<In>().size() + 4));
  template <class Text>
  static constexpr void append_to(Text& text) {
    text.append(spelled_name<T>());
    ((text.append(" in "), text.append(spelled_name<In>())), ...);
  }
};
template <class F, class... Args>
struct names_of<call_with_arguments<F, Args...>> {
  static constexpr std::size_t size =
      (spelled_name<F>().size() + ... + (spelled_name<Args>().size() + 2)) + 2;
  template <class Text>
  static constexpr void append_to(Text& text) {
    text.append(spelled_name<F>());
    text.append("(");
    std::string_view separator;
    ((text.append(std::exchange(separator, ", ")), text.append(spelled_name<Args>())), ...);
    text.append(")");
  }
};
template <class Subject, std::size_t Size>
consteval auto refusal_text_of(const char (&what)[Size]) {
  constexpr std::string_view beginning = "ferry: ";
  refusal_text<Size + names_of<Subject>::size + 2> text;
  text.append(beginning);
  names_of<Subject>::append_to(text);
  text.append(": ");
  text.append(std::string_view(what).substr(beginning.size()));
  return text;
}
#  define FERRY_DETAIL_TEXT(text, ...) ::ferry::detail::refusal_text_of<__VA_ARGS__>(text)
#else
#  define FERRY_DETAIL_TEXT(text, ...) text
#endif

// Clang makes such a text in any standard, and warns of it in those before C++26.
#ifdef __clang__
#  pragma clang diagnostic push
#  if __has_warning("-Wc++26-extensions")
#    pragma clang diagnostic ignored "-Wc++26-extensions"
#  endif
#endif
/// Ends the compilation with the text for it. @returns false
/// @tparam Subject  a `crossing` or a `call_with_arguments`
template <refusal Why, class Subject>
consteval bool refuse() {
#define FERRY_DETAIL_ROW(kind, text, ...) \
  if constexpr (Why == refusal::kind) static_assert(Subject::possible, FERRY_DETAIL_TEXT(text, Subject));
  FERRY_DETAIL_REFUSALS(FERRY_DETAIL_ROW)
#undef FERRY_DETAIL_ROW
  return false;
}
#ifdef __clang__
#  pragma clang diagnostic pop
#endif

/// Says that a const T is not read into.
template <class T>
constexpr void refuse_const() {
  static_cast<void>(refuse<refusal::read_into_const, crossing<T>>());
}

/// Says that a container would have to be made and cannot be. It can be sent, and read into.
template <class T>
constexpr void refuse_to_make() {
  constexpr refusal why = needs_own_functions<T> ? refusal::own_functions : refusal::made_with_arguments;
  static_cast<void>(refuse<why, crossing<T>>());
}

/// Whether a T can cross; if not, the compiler says why. To be asked where nothing of a T is instantiated if
/// it cannot, so that other errors do not bury the text.
template <class T, going Direction>
consteval bool check_crossing() {
  if constexpr (refusal_of<T, Direction> == refusal::none) {
    return true;
  } else {
    return refuse<refusal_of<T, Direction>, decltype(find_culprit<Direction, T>())>();
  }
}
/// The same of a T that arrives and is what a call returns.
template <class T>
consteval bool check_returned() {
  if constexpr (refusal_of_returned<T> == refusal::not_movable) {
    return refuse<refusal::not_movable, crossing<T>>();
  } else {
    return check_crossing<T, going::in>();
  }
}
/// The same of a T by itself, for one that is part of something.
template <class T, going Direction>
consteval bool check_part() {
  if constexpr (own_refusal<T, Direction> == refusal::none) {
    return true;
  } else {
    return refuse<own_refusal<T, Direction>, crossing<T>>();
  }
}

/// For constructors: Clang looks at an attribute of theirs only where it depends on a parameter.
template <std::size_t>
constexpr refusal if_given(refusal why) {
  return why;
}

}  // namespace ferry::detail

/// In front of a function template that a user calls: the text in the line of the call, where the compiler
/// can put it there; some editors show nothing else. A warning, for behind an error Clang would not come to
/// the assertion, which names the type.
/// @param ...  the `ferry::detail::refusal` of the call
#ifdef __clang__
#  define FERRY_DETAIL_SAID(kind, text, ...) \
    __attribute__((diagnose_if((__VA_ARGS__) == ::ferry::detail::refusal::kind, text, "warning")))
#  define FERRY_REFUSES(...) FERRY_DETAIL_REFUSALS(FERRY_DETAIL_SAID, __VA_ARGS__)
#else
#  define FERRY_REFUSES(...)
#endif
