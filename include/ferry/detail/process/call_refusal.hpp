// SPDX-License-Identifier: BSL-1.0
// Reasons why a call cannot be made in another process.
#pragma once

#include <ferry/detail/process/callable.hpp>

#include <cstddef>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ferry::detail {

// --- references to what may be changed -------------------------------------------------------------------

template <class T>
constexpr bool search_live(seen_types& seen);
template <class... Held>
constexpr bool search_live_in([[maybe_unused]] seen_types& seen, types<Held...>) {
  return (search_live<Held>(seen) || ...);
}
template <class T>
constexpr bool search_live(seen_types& seen) {
  if constexpr (own_refusal<T, going::out> != refusal::none || encoding_of<T> == encoding::handle ||
                encoding_of<T> == encoding::run_time || spelled_name<T>().substr(0, 7) == "ferry::") {
    return true;  // or is refused anyway
  } else {
    return seen.add(&mark_of_type<T>) && search_live_in(seen, held_by<T, going::out>());
  }
}
/// Whether a T is, or holds, what is the same object in both processes; else it is a copy there.
template <class T>
inline constexpr bool is_live = [] {
  seen_types seen;
  return search_live<T>(seen);
}();

/// A function that has such a parameter wants to change an object of its caller.
template <class P>
consteval bool changes_argument() {
  if constexpr (std::is_lvalue_reference_v<P>) {
    return !std::is_const_v<std::remove_reference_t<P>> && !is_live<std::remove_cvref_t<P>>;
  } else {
    return false;
  }
}
template <class T>
inline constexpr bool views_changeable = false;
template <class T>
inline constexpr bool views_changeable<std::span<T>> = !std::is_const_v<T>;

// --- a call ----------------------------------------------------------------------------------------------

template <class Arg, class P>
inline constexpr bool fits = std::is_convertible_v<Arg, std::remove_cvref_t<P>> ||
                             std::is_same_v<std::remove_cvref_t<Arg>, std::remove_cvref_t<P>>;

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class F>
inline constexpr bool is_bare_function =
    std::is_function_v<std::remove_pointer_t<F>> || std::is_member_pointer_v<F>;

/// How many parameters of F are the object that a member function is called for, which has been made for it.
template <class F>
consteval std::size_t count_objects_of() {
  if constexpr (is_fn<F>) {
    return std::is_member_function_pointer_v<std::remove_cv_t<decltype(F::function)>> ? 1 : 0;
  } else if constexpr (is_bound<F>) {
    return count_objects_of<typename F::callable>() > F::bound_arguments ? 1 : 0;
  } else {
    return 0;
  }
}

template <class F, class... P>
consteval bool changes_arguments(parameters<P...>) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    return (
        (I >= count_objects_of<F>() && (changes_argument<P>() || views_changeable<std::remove_cvref_t<P>>)) ||
        ...);
  }
  (std::index_sequence_for<P...>());
}

/// Of a callable, whatever it is called with.
template <class F>
consteval refusal refusal_of_callable() {
  if constexpr (is_bare_function<F>) {
    return refusal::bare_function;
  } else if constexpr (!is_stateless<F>) {
    return refusal_of<F, going::in>;
  } else {
    return refusal::none;
  }
}

/// Of the first of several types.
template <class... T>
consteval refusal first_refusal() {
  refusal found = refusal::none;
  static_cast<void>((((found = refusal_of<T, going::in>) == refusal::none) && ...));
  return found;
}

/// Of `Args` as arguments for the parameters P... of F.
template <class F, class... Args, class... P>
consteval refusal find_arguments_refusal(parameters<P...>) {
  if constexpr ((is_reference_wrapper<std::remove_cvref_t<Args>> || ...)) {
    return refusal::std_reference_wrapper;
  } else if constexpr (sizeof...(Args) != sizeof...(P)) {
    return refusal::argument_count;
  } else if constexpr (constexpr refusal held = first_refusal<argument_for<P>...>(); held != refusal::none) {
    return held;
  } else if constexpr (changes_arguments<F>(parameters<P...>())) {
    return refusal::reference_parameter;
  } else {
    return (fits<Args, P> && ...) ? refusal::none : refusal::argument_type;
  }
}
/// Of a call of F, which takes P... behind `First...`, with `Args`.
template <class F, class... Args, class... P, class... First>
consteval refusal find_call_refusal(parameters<P...>, types<First...>) {
  if constexpr (constexpr refusal why = find_arguments_refusal<F, Args...>(parameters<P...>());
                why != refusal::none) {
    return why;
  } else {
    return std::is_invocable_v<F&, First..., passed<P>...> ? refusal::none : refusal::not_callable;
  }
}

template <class F, class... Args>
consteval refusal find_call_refusal() {
  if constexpr (constexpr refusal own = refusal_of_callable<F>(); own != refusal::none) {
    return own;
  } else {
    return find_call_refusal<F, Args...>(parameters_for<F, Args...>(), types<>());
  }
}
/// Why F cannot be called with `Args` in another process.
template <class F, class... Args>
inline constexpr refusal call_refusal = find_call_refusal<std::decay_t<F>, Args...>();

template <class... Args, class... P>
consteval bool can_keep(parameters<P...>) {
  return (std::is_constructible_v<argument_for<P>, Args> && ...);
}
/// The same, where the arguments are kept for later.
template <class F, class... Args>
consteval refusal find_kept_call_refusal() {
  if constexpr (call_refusal<F, Args...> != refusal::none) {
    return call_refusal<F, Args...>;
  } else {
    return can_keep<Args...>(parameters_for<std::decay_t<F>, Args...>()) ? refusal::none
                                                                         : refusal::unkept_argument;
  }
}
template <class F, class... Args>
inline constexpr refusal kept_call_refusal = find_kept_call_refusal<F, Args...>();

// --- what is said of it ----------------------------------------------------------------------------------

/// Whether the call is refused for what it is, and not for a type that cannot cross.
constexpr bool is_of_call(refusal why) {
  return why >= refusal::bare_function || why == refusal::std_reference_wrapper;
}

template <class F, class... P>
typename culprit_among<going::in, types<F>, argument_for<P>...>::type culprit_of_parameters(parameters<P...>);

/// Says why, unless it is for nothing. @returns whether it is
template <refusal Why, class F, class... Args>
consteval bool check_call() {
  using function = std::decay_t<F>;
  if constexpr (Why == refusal::none) {
    return true;
  } else if constexpr (is_of_call(Why)) {
    return refuse<Why, call_with_arguments<function, Args...>>();
  } else if constexpr (refusal_of_callable<function>() != refusal::none) {
    return refuse<Why, decltype(find_culprit<going::in, function>())>();
  } else {
    return refuse<Why, decltype(culprit_of_parameters<function>(parameters_for<function, Args...>()))>();
  }
}

/// Stands for what a refused call would give, and fits everywhere, so that no further complaints follow.
struct refused_result {
  template <class T>
  operator T() const;  // NOLINT(google-explicit-constructor)
  refused_result get() const { return {}; }
  const refused_result* begin() const { return nullptr; }
  const refused_result* end() const { return nullptr; }
};

}  // namespace ferry::detail
