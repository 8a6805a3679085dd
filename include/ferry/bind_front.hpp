// SPDX-License-Identifier: BSL-1.0
// bind_front(fn<&work>, values...): a callable with its first arguments, as something that crosses.
#pragma once

#include <ferry/detail/process/call_refusal.hpp>
#include <ferry/fn.hpp>

#include <cstddef>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry {

namespace detail {

/// `parameters` without the first `Count`.
template <std::size_t Count, class Parameters>
struct parameters_behind {
  using type = Parameters;
};
template <std::size_t Count, class First, class... P>
requires(Count != 0) struct parameters_behind<Count, parameters<First, P...>>
    : parameters_behind<Count - 1, parameters<P...>> {
};

/// The first `sizeof...(Args)` parameters.
template <class Taken, std::size_t Count, class Parameters>
struct first_parameters {
  using type = Taken;
};
template <class... Taken, std::size_t Count, class First, class... P>
requires(Count != 0) struct first_parameters<parameters<Taken...>, Count, parameters<First, P...>>
    : first_parameters<parameters<Taken..., First>, Count - 1, parameters<P...>> {
};

}  // namespace detail

/// A callable with its first arguments, which cross with it: what `bind_front` returns. A value, as copyable
/// as they are.
template <class F, class... Held>
class bound {
 public:
  using callable = F;
  static constexpr std::size_t bound_arguments = sizeof...(Held);

  /// What is left of the callable's parameters when it is given `Args` behind those that are held.
  template <class... Args>
  using parameters =
      typename detail::parameters_behind<bound_arguments, detail::parameters_for<F, Held&..., Args...>>::type;

  bound(F function, std::tuple<Held...> arguments)
      : function_(std::move(function)), arguments_(std::move(arguments)) {}

  /// The arguments that are held are given as they are, to be used again at the next call: a parameter by
  /// value gets a copy.
  template <class... Args>
  decltype(auto) operator()(Args&&... args) {
    return std::apply(
        [&](auto&... held) -> decltype(auto) {
          return std::invoke(function_, held..., std::forward<Args>(args)...);
        },
        arguments_);
  }
  template <class... Args>
  decltype(auto) operator()(Args&&... args) const {
    return std::apply(
        [&](const auto&... held) -> decltype(auto) {
          return std::invoke(function_, held..., std::forward<Args>(args)...);
        },
        arguments_);
  }

 private:
  friend struct detail::codec<bound>;

  F function_;
  std::tuple<Held...> arguments_;
};

namespace detail {

template <class F, class... Held>
inline constexpr bool is_bound<bound<F, Held...>> = true;

/// It is of no type that is sent as a value, so its state alone is written: what the function is, its name
/// says.
template <class F, class... Held>
struct codec<bound<F, Held...>> {
  static void save(forking_oarchive& archive, const bound<F, Held...>& value) {
    if constexpr (!is_stateless<F>) detail::save(archive, value.function_);
    std::apply([&](const auto&... each) { (void(detail::save(archive, each)), ...); }, value.arguments_);
  }
  static bound<F, Held...> make(forking_iarchive& archive) {
    // In braces, for these are evaluated from left to right.
    if constexpr (is_stateless<F>) {
      return {F{}, std::tuple<Held...>{detail::make<Held>(archive)...}};
    } else {
      return bound<F, Held...>{detail::make<F>(archive), std::tuple<Held...>{detail::make<Held>(archive)...}};
    }
  }
};
template <class F, class... Held>
struct held_by_standard<bound<F, Held...>> {
  using type = std::conditional_t<is_stateless<F>, types<Held...>, types<F, Held...>>;
};

/// The parameters that arguments are bound to.
template <class F, class... Args>
using bound_parameters =
    typename first_parameters<parameters<>, sizeof...(Args), parameters_for<F, Args...>>::type;

template <class F, class... Args, class... P>
consteval refusal find_bind_refusal(parameters<P...>) {
  if constexpr (constexpr refusal why = find_arguments_refusal<F, Args...>(parameters<P...>());
                why != refusal::none) {
    return why;
  } else {
    return can_keep<Args...>(parameters<P...>()) ? refusal::none : refusal::unkept_argument;
  }
}
template <class F, class... Args>
consteval refusal find_bind_refusal() {
  if constexpr (constexpr refusal own = refusal_of_callable<F>(); own != refusal::none) {
    return own;
  } else {
    return find_bind_refusal<F, Args...>(bound_parameters<F, Args...>());
  }
}
/// Why `Args` cannot be bound to F.
template <class F, class... Args>
inline constexpr refusal bind_refusal = find_bind_refusal<std::decay_t<F>, Args...>();

template <class F, class... P, class... Args>
auto bind_to(parameters<P...>, F function, Args&&... args) {
  return bound<F, argument_for<P>...>(std::move(function),
                                      std::tuple<argument_for<P>...>(std::forward<Args>(args)...));
}

}  // namespace detail

/// `function` with its first arguments, to be called with the rest; where a callable is asked for that
/// crosses: `ferry::process`, the calls of `ferry::pool`, `ferry::barrier`.
///
///   pool.map(ferry::bind_front(ferry::fn<&scale>, 2.5), numbers);      // scale(2.5, number) for each
///
/// The arguments are converted to the function's parameters and kept here, and sent with the callable: to a
/// worker of a pool once a call, however many items that has.
/// @param function  `fn<&function>`, a lambda without captures, or a function object whose state can cross
template <class F, class... Args>
FERRY_REFUSES(detail::bind_refusal<F, Args...>)
auto bind_front(F&& function, Args&&... args) {
  using callable = std::decay_t<F>;
  if constexpr (detail::check_call<detail::bind_refusal<F, Args...>, F, Args...>()) {
    return detail::bind_to<callable>(detail::bound_parameters<callable, Args...>(), std::forward<F>(function),
                                     std::forward<Args>(args)...);
  } else {
    return detail::refused_result();
  }
}

}  // namespace ferry
