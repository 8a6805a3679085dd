// What a pool's workers are asked to run: callables that stay with a worker, and give results.
#pragma once

#include <ferry/detail/callable.hpp>

#include <memory>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace ferry::detail {

/// A callable as a worker keeps it: made once, then run for every item of every task of a call.
class job {
 public:
  virtual ~job() = default;
  /// Reads the arguments of one item, calls, and writes the result.
  /// @param state  the worker's own, of the type that the callable takes; null if it takes none
  /// @throws whatever the callable, reading and writing throw
  virtual void run(void* state, forking_iarchive& arguments, forking_oarchive& result) = 0;
};

/// No state of the worker is asked for.
struct no_state {};

/// What is left of a callable's parameters when the worker puts its state in the place of the first.
template <class State, class Parameters>
struct sent_parameters;
template <class... P>
struct sent_parameters<no_state, parameters<P...>> {
  using type = parameters<P...>;
};
template <class State, class First, class... P>
struct sent_parameters<State, parameters<First, P...>> {
  static_assert(std::is_same_v<std::remove_cvref_t<First>, State> && std::is_lvalue_reference_v<First>,
                "ferry: a callable of with_state<S> takes S& as its first parameter");
  using type = parameters<P...>;
};

/// The parameters of F that its caller gives when it gives `Args`.
template <class F, class State, class... Args>
struct job_parameters {
  using type = typename sent_parameters<State, parameters_for<F, State&, Args...>>::type;
};
template <class F, class... Args>
struct job_parameters<F, no_state, Args...> {
  using type = parameters_for<F, Args...>;
};

template <class F, class State, class Parameters>
struct result_of_job;
template <class F, class... P>
struct result_of_job<F, no_state, parameters<P...>> {
  using type = std::decay_t<
      std::invoke_result_t<F&, std::conditional_t<std::is_lvalue_reference_v<P>, std::remove_reference_t<P>&,
                                                  std::remove_cvref_t<P>&&>...>>;
};
template <class F, class State, class... P>
struct result_of_job<F, State, parameters<P...>> {
  using type = std::decay_t<
      std::invoke_result_t<F&, State&,
                           std::conditional_t<std::is_lvalue_reference_v<P>, std::remove_reference_t<P>&,
                                              std::remove_cvref_t<P>&&>...>>;
};

template <class F, class State, class Parameters>
class job_of final : public job {
 public:
  explicit job_of(F function) : function_(std::move(function)) {}

  void run(void* state, forking_iarchive& arguments, forking_oarchive& result) override {
    if constexpr (std::is_same_v<State, no_state>) {
      run_with(arguments, result);
    } else {
      run_with(arguments, result, *static_cast<State*>(state));
    }
  }

 private:
  template <class... First>
  void run_with(forking_iarchive& arguments, forking_oarchive& result, First&... first) {
    using returned = decltype(call_with(function_, arguments, Parameters(), first...));
    if constexpr (std::is_void_v<returned>) {
      call_with(function_, arguments, Parameters(), first...);
    } else {
      const returned value = call_with(function_, arguments, Parameters(), first...);
      result << value;
    }
  }

  F function_;
};

/// The entry, in the table of callables, of F as a job.
template <class F, class State, class Parameters>
struct job_entry {
  static std::shared_ptr<void> make_job(forking_iarchive& from) {
    std::shared_ptr<job> made;
    if constexpr (is_stateless<F>) {
      made = std::make_shared<job_of<F, State, Parameters>>(F{});
    } else {
      made = std::make_shared<job_of<F, State, Parameters>>(make<F>(from));
    }
    from.finish();
    return made;
  }
  inline static const callable entry{typeid(job_entry).name(), identity_of_callable<F>(&make_job), &make_job};
};

/// The entry of F as what makes a worker's state.
template <class State, class F, class Parameters>
struct state_entry {
  static std::shared_ptr<void> make_state(forking_iarchive& from) {
    if constexpr (is_stateless<F>) {
      return std::make_shared<State>(call_with(F{}, from, Parameters()));
    } else {
      F function = make<F>(from);
      return std::make_shared<State>(call_with(function, from, Parameters()));
    }
  }
  inline static const callable entry{typeid(state_entry).name(), identity_of_callable<F>(&make_state),
                                     &make_state};
};

}  // namespace ferry::detail
