// SPDX-License-Identifier: BSL-1.0
// Callables that another process can be asked to run: known by name, with arguments that cross.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/detail/archive/members.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace ferry {

template <auto Function>
struct fn_t;

namespace detail {

/// One entry of the table of callables. It puts itself there when it is constructed, before `main`, so that a
/// program knows the callables that it mentions anywhere. Only what is in the table can be called by a
/// message.
class callable {
 public:
  /// Reads the callable's state and arguments and calls it.
  /// @returns what is to be kept of it: nothing of what a process runs, and all of what a pool's worker makes
  using invoker = std::shared_ptr<void> (*)(forking_iarchive& arguments);

  /// What it is made of, takes and gives.
  using teller = const type_identity& (*)();

  /// @param name  the same in every run of a program
  /// @param identity  the address of some code, which tells apart callables of one name
  callable(const char* name, const void* identity, invoker how, teller what);
  callable(const callable&) = delete;
  callable& operator=(const callable&) = delete;

  const char* name() const noexcept { return name_; }
  const void* identity() const noexcept { return identity_; }
  std::shared_ptr<void> invoke(forking_iarchive& arguments) const { return invoke_(arguments); }

  const std::string& members() const { return tell_().members; }
  /// @throws type_mismatch  saying what differs, when who calls it takes it to be made of, to take or to give
  ///                        something else: he is another version of this program
  void check_members(std::string_view there) const;

  /// Where `identity` lies in the program: the same in every run, wherever it is loaded.
  std::int64_t distance() const noexcept;
  /// Whether the name alone says which callable is meant.
  bool has_unique_name() const;

  /// @param distance  picks one of several callables of the name, which functions in anonymous namespaces may
  /// share
  /// @throws process_error  when no callable has the name, or several have and none is at `distance`
  static const callable& find(std::string_view name, std::int64_t distance);

 private:
  const char* name_;
  const void* identity_;
  invoker invoke_;
  teller tell_;
};

[[noreturn]] void throw_ambiguous(std::string_view name);

// --- what a callable takes -------------------------------------------------------------------------------

template <class... P>
struct parameters {};

template <class R, class... P>
parameters<P...> parameters_of(R (*)(P...));
template <class C, class R, class... P>
parameters<C&, P...> parameters_of(R (C::*)(P...));
template <class C, class R, class... P>
parameters<const C&, P...> parameters_of(R (C::*)(P...) const);

template <class C, class R, class... P>
parameters<P...> call_parameters_of(R (C::*)(P...));
template <class C, class R, class... P>
parameters<P...> call_parameters_of(R (C::*)(P...) const);
template <class C, class R, class... P>
parameters<P...> call_parameters_of(R (C::*)(P...) const&);

template <class F>
inline constexpr bool is_fn = false;
template <auto Function>
inline constexpr bool is_fn<fn_t<Function>> = true;

template <class F>
inline constexpr bool is_bound = false;

/// Has one call operator that is no template, so that its parameters are known.
template <class F>
concept has_signature = requires {
  call_parameters_of(&F::operator());
};

/// The parameters of F when it is given `Args`.
template <class F, class... Args>
auto find_parameters() {
  if constexpr (is_fn<F>) {
    return decltype(parameters_of(F::function))();
  } else if constexpr (is_bound<F>) {
    return typename F::template parameters<Args...>();
  } else if constexpr (has_signature<F>) {
    return decltype(call_parameters_of(&F::operator()))();
  } else {
    return parameters<std::decay_t<Args>...>();
  }
}
template <class F, class... Args>
using parameters_for = decltype(find_parameters<F, Args...>());

/// Nothing of it has to be sent: the name says it all.
template <class F>
inline constexpr bool is_stateless = std::is_empty_v<F>&& std::is_default_constructible_v<F>;

// --- calling it over there -------------------------------------------------------------------------------

/// Stands for a callable that takes P...; its name is the one on the wire.
template <class F, class... P>
struct signature_tag {};

/// Of a callable F that takes P... and gives a Result, as far as these cross; see `members_writer`.
template <class F, class Result, class... P>
const type_identity& identity_of_call(parameters<P...>) {
  static const type_identity identity = [] {
    members_writer members;
    if constexpr (std::is_void_v<Result>) {
      members.tell_list<std::remove_cvref_t<P>...>();
    } else {
      members.tell_list<std::remove_cvref_t<P>...>(type_name_of<Result>());
      members.tell_more_of<Result>();
    }
    if constexpr (!is_stateless<F>) members.tell_more_of<F>();
    return type_identity({}, members.finish());
  }();
  return identity;
}
template <class F, class Result, class Parameters>
const type_identity& identity_of_call() {
  return identity_of_call<F, Result>(Parameters());
}

/// Functions have one address in all libraries of a program; other callables are told apart by that of the
/// code that invokes them.
template <class F>
const void* identity_of_callable(callable::invoker how) {
  if constexpr (is_fn<F>) {
    if constexpr (std::is_pointer_v<decltype(F::function)>) return reinterpret_cast<const void*>(F::function);
  }
  return reinterpret_cast<const void*>(how);
}

/// A parameter that is a view gets what owns the content, which lives as long as the call.
template <class T>
inline constexpr bool views_argument = std::is_same_v<T, handle_view>;
template <class Char>
inline constexpr bool views_argument<std::basic_string_view<Char>> = true;
template <class T>
inline constexpr bool views_argument<std::span<T>> = !std::is_same_v<std::remove_cv_t<T>, bool>;

/// What is kept for a parameter P until it is called.
template <class P, class T = std::remove_cvref_t<P>>
using argument_for = typename std::conditional_t<views_argument<T>, arrived<T>, std::type_identity<T>>::type;

/// Whether values of the type go as plain bytes where all that a call takes and gives does.
template <class T>
inline constexpr bool is_plain = is_bitwise<T> && sizeof(T) <= most_of_few_on_stack;

template <class Parameters>
struct loaded_arguments;
template <class... P>
struct loaded_arguments<parameters<P...>> {
  using type = made_values<argument_for<P>...>;
};

/// By value and by rvalue reference the callable gets the argument itself.
template <class P>
decltype(auto) pass(argument_for<P>& argument) {
  if constexpr (views_argument<std::remove_cvref_t<P>>) {
    return std::remove_cvref_t<P>(argument);
  } else {
    return static_cast<
        std::conditional_t<std::is_lvalue_reference_v<P>, argument_for<P>&, argument_for<P>&&>>(argument);
  }
}
template <class P>
using passed = decltype(pass<P>(std::declval<argument_for<P>&>()));

/// Calls the function with arguments for P... behind `first`.
/// @param arguments  their values, which must not be used afterwards
template <class Function, class Values, class... P, class... First>
auto call_with(Function&& function, Values&& arguments, parameters<P...>, First&... first) {
  // What it returns may refer to its arguments, so it is copied here.
  const auto call = [&](auto&... each) { return std::invoke(function, first..., pass<P>(each)...); };
  if constexpr (requires { std::tuple_size<std::remove_cvref_t<Values>>::value; }) {
    return std::apply(call, static_cast<std::remove_cvref_t<Values>&>(arguments));
  } else {
    return arguments.pass_to(call);
  }
}

/// Calls the function with arguments for P... that are the last thing in the archive.
template <class Function, class... P>
auto call_with_rest(Function&& function, forking_iarchive& from, parameters<P...> taken) {
  typename loaded_arguments<parameters<P...>>::type arguments(from);
  from.finish();
  return call_with(function, arguments, taken);
}

template <class F, class Parameters>
struct entry_of;

template <class F, class... P>
struct entry_of<F, parameters<P...>> {
  static std::shared_ptr<void> invoke(forking_iarchive& from) {
    constexpr parameters<P...> taken;
    if constexpr (((refusal_of<argument_for<P>, going::in> != refusal::none) || ...)) {
      std::terminate();  // no caller can ask for it; a function may be named for another purpose
    } else if constexpr (is_stateless<F>) {
      call_with_rest(F{}, from, taken);
    } else {
      in_passing<F> function([&]() -> F { return make<F>(from); });
      call_with_rest(*function, from, taken);
    }
    return nullptr;
  }

  inline static const callable entry{typeid(signature_tag<F, P...>).name(), identity_of_callable<F>(&invoke),
                                     &invoke, &identity_of_call<F, void, parameters<P...>>};
};

// --- asking for it here ----------------------------------------------------------------------------------

/// A call that a child is to make.
class call {
 public:
  virtual ~call() = default;
  virtual const callable& target() const = 0;
  /// Writes state and arguments.
  virtual void write(forking_oarchive& into) const = 0;
};

template <class F, class Parameters, class... Held>
class held_call final : public call {
 public:
  template <class... Args>
  explicit held_call(F function, Args&&... args)
      : function_(std::forward<F>(function)), arguments_(std::forward<Args>(args)...) {}

  const callable& target() const override { return entry_of<std::remove_cvref_t<F>, Parameters>::entry; }
  void write(forking_oarchive& into) const override {
    if constexpr (!is_stateless<std::remove_cvref_t<F>>) into << function_;
    std::apply([&into](const auto&... each) { (void(into << each), ...); }, arguments_);
  }

 private:
  F function_;
  std::tuple<Held...> arguments_;
};

/// What is kept of an argument until it is written: an lvalue of the right type is only looked at, so that
/// what cannot be copied (a connection, say) can be given to a child and kept; everything else is converted.
template <class P, class Arg>
using borrowed =
    std::conditional_t<std::is_lvalue_reference_v<Arg> && std::is_same_v<std::remove_cvref_t<Arg>, P>,
                       const P&, P>;

/// A call that looks at its arguments; to be written before they go.
template <class F, class... Args, class... P>
auto borrow_call(parameters<P...>, F&& function, Args&&... args) {
  using borrowed_call =
      held_call<const std::remove_cvref_t<F>&, parameters<P...>, borrowed<std::remove_cvref_t<P>, Args>...>;
  return borrowed_call(function, std::forward<Args>(args)...);
}

/// A call that has its arguments.
template <class F, class... Args, class... P>
auto keep_call(parameters<P...>, F&& function, Args&&... args) {
  using kept_call = held_call<std::remove_cvref_t<F>, parameters<P...>, argument_for<P>...>;
  return std::make_unique<kept_call>(std::forward<F>(function), std::forward<Args>(args)...);
}

}  // namespace detail
}  // namespace ferry
