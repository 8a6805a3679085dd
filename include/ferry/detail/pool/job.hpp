// SPDX-License-Identifier: BSL-1.0
// Jobs of a pool's workers: callables that stay with a worker, and give results.
#pragma once

#include <ferry/detail/process/call_refusal.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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
  /// What an item's run has come to.
  enum class phase { reading, running, writing };

  /// Reads the arguments of one item, calls, and writes the result.
  /// @param state  the worker's own, of the type that the callable takes; null if it takes none
  /// @param now  says in which phase it is; where it throws, it stays what it was
  /// @throws whatever the callable, reading and writing throw
  virtual void run(void* state, forking_iarchive& arguments, forking_oarchive& result, phase& now) = 0;

  /// Bytes that the arguments take where they and the result are plain bytes; else 0.
  virtual std::size_t plain_arguments() const noexcept = 0;
  /// Bytes that the result takes then; 1 for none.
  virtual std::size_t plain_result() const noexcept = 0;
  /// As `run`, where everything is plain, for several items, one after the other.
  /// @param item  says which one is run; where one throws, it is this one, and the ones before it are done
  virtual void run_plain(void* state, const std::byte* arguments, std::byte* results, std::uint32_t first,
                         std::uint32_t end, std::atomic<std::uint64_t>& item) = 0;
};

/// A plain value out of its bytes, which are passed over.
template <class T>
T take_plain(const std::byte*& from) noexcept {
  std::array<std::byte, sizeof(T)> copy;
  std::memcpy(copy.data(), from, sizeof(T));
  from += sizeof(T);
  return std::bit_cast<T>(copy);
}

/// What plain arguments take in bytes; 0 where not all of them are plain, or there are none.
template <class... P>
consteval std::size_t plain_size(parameters<P...>) {
  return (is_plain<std::remove_cvref_t<P>> && ... && true) ? (sizeof(std::remove_cvref_t<P>) + ... + 0) : 0;
}
template <class... P>
std::tuple<argument_for<P>...> take_plain_arguments([[maybe_unused]] const std::byte* from,
                                                    parameters<P...>) {
  return {take_plain<std::remove_cvref_t<P>>(from)...};
}

/// Bytes of the arguments of a call whose result is plain too, or nothing; 0 for all others.
template <class Result, class Parameters>
consteval std::size_t plain_call_size() {
  if constexpr (std::is_void_v<Result>) {
    return plain_size(Parameters());
  } else {
    return is_plain<Result> ? plain_size(Parameters()) : 0;
  }
}

/// No state of the worker is asked for.
struct no_state {};

/// What is left of a callable's parameters when the worker puts its state in the place of the first.
template <class State, class Parameters>
struct sent_parameters {
  using type = parameters<>;
};
template <class... P>
struct sent_parameters<no_state, parameters<P...>> {
  using type = parameters<P...>;
};
template <class State, class First, class... P>
struct sent_parameters<State, parameters<First, P...>> {
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
  using type = std::decay_t<std::invoke_result_t<F&, passed<P>...>>;
};
template <class F, class State, class... P>
struct result_of_job<F, State, parameters<P...>> {
  using type = std::decay_t<std::invoke_result_t<F&, State&, passed<P>...>>;
};

/// Whether the first parameter is the worker's state.
template <class State, class... P>
consteval bool takes_state(parameters<P...>) {
  return false;
}
template <class State, class First, class... P>
consteval bool takes_state(parameters<First, P...>) {
  return std::is_same_v<First, State&> || std::is_same_v<First, const State&>;
}

/// Why F cannot be a job for these arguments.
template <class F, class State, class... Args>
consteval refusal find_job_refusal() {
  using sent = typename job_parameters<F, State, Args...>::type;
  if constexpr (constexpr refusal own = refusal_of_callable<F>(); own != refusal::none) {
    return own;
  } else if constexpr (std::is_same_v<State, no_state>) {
    return find_call_refusal<F, Args...>(sent(), types<>());
  } else if constexpr (!takes_state<State>(parameters_for<F, State&, Args...>())) {
    return refusal::state_parameter;
  } else {
    return find_call_refusal<F, Args...>(sent(), types<State&>());
  }
}
template <class F, class State, class... Args>
consteval refusal find_result_refusal() {
  using sent = typename job_parameters<F, State, Args...>::type;
  using result = typename result_of_job<F, State, sent>::type;
  if constexpr (std::is_void_v<result>) {
    return refusal::none;
  } else {
    return refusal_of<result, going::in>;
  }
}
template <class F, class State, class... Args>
consteval refusal find_any_job_refusal() {
  if constexpr (constexpr refusal why = find_job_refusal<F, State, Args...>(); why != refusal::none) {
    return why;
  } else {
    return find_result_refusal<F, State, Args...>();
  }
}
template <class F, class State, class... Args>
inline constexpr refusal job_refusal = find_any_job_refusal<std::decay_t<F>, State, Args...>();

/// Why F cannot make the state of a worker.
template <class S, class F, class... Args>
consteval refusal find_state_refusal() {
  if constexpr (call_refusal<F, Args...> != refusal::none) {
    return call_refusal<F, Args...>;
  } else {
    using made = typename result_of_job<F, no_state, parameters_for<F, Args...>>::type;
    return std::is_convertible_v<made, S> ? refusal::none : refusal::state_result;
  }
}
template <class S, class F, class... Args>
inline constexpr refusal state_refusal = find_state_refusal<S, std::decay_t<F>, Args...>();

/// Whether F can be a job for these arguments; if not, the compiler says why.
template <class F, class State, class... Args>
consteval bool check_job() {
  using function = std::decay_t<F>;
  constexpr refusal why = find_job_refusal<function, State, Args...>();
  if constexpr (job_refusal<F, State, Args...> == refusal::none) {
    return true;
  } else if constexpr (why == refusal::none) {
    using sent = typename job_parameters<function, State, Args...>::type;
    using result = typename result_of_job<function, State, sent>::type;
    return refuse<refusal_of<result, going::in>, decltype(find_culprit<going::in, result, function>())>();
  } else if constexpr (is_of_call(why)) {
    return refuse<why, call_with_arguments<function, Args...>>();
  } else if constexpr (refusal_of_callable<function>() != refusal::none) {
    return refuse<why, decltype(find_culprit<going::in, function>())>();
  } else {
    using sent = typename job_parameters<function, State, Args...>::type;
    return refuse<why, decltype(culprit_of_parameters<function>(sent()))>();
  }
}

template <class F, class State, class Parameters>
class job_of final : public job {
 public:
  explicit job_of(F function) : function_(std::move(function)) {}

  void run(void* state, forking_iarchive& from, forking_oarchive& into, phase& now) override {
    typename loaded_arguments<Parameters>::type arguments(from);
    from.finish();
    now = phase::running;
    if constexpr (std::is_void_v<result>) {
      call(state, arguments);
      now = phase::writing;
    } else {
      const in_passing<result> value([&]() -> result { return call(state, arguments); });
      now = phase::writing;
      into << *value;
    }
  }

  std::size_t plain_arguments() const noexcept override { return plain_size; }
  std::size_t plain_result() const noexcept override {
    if constexpr (std::is_void_v<result>)
      return 1;
    else
      return sizeof(result);
  }
  void run_plain(void* state, const std::byte* arguments, std::byte* results, std::uint32_t first,
                 std::uint32_t end, std::atomic<std::uint64_t>& item) override {
    if constexpr (plain_size != 0) {
      for (std::uint32_t number = first; number < end; ++number) {
        item.store(number, std::memory_order_release);
        const std::byte* const from = arguments + std::size_t{number} * plain_size;
        if constexpr (std::is_void_v<result>) {
          call(state, take_plain_arguments(from, Parameters()));
          results[number] = std::byte{0};
        } else {
          const result value = call(state, take_plain_arguments(from, Parameters()));
          std::memcpy(results + number * sizeof value, &value, sizeof value);
        }
      }
    }
  }

 private:
  using result = typename result_of_job<F, State, Parameters>::type;
  static constexpr std::size_t plain_size = plain_call_size<result, Parameters>();

  template <class Values>
  result call(void* state, Values&& arguments) {
    if constexpr (std::is_same_v<State, no_state>) {
      return call_with(function_, arguments, Parameters());
    } else {
      return call_with(function_, arguments, Parameters(), *static_cast<State*>(state));
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
  inline static const callable entry{
      typeid(job_entry).name(), identity_of_callable<F>(&make_job), &make_job,
      &identity_of_call<F, typename result_of_job<F, State, Parameters>::type, Parameters>};
};

/// The entry of F as what makes a worker's state.
template <class State, class F, class Parameters>
struct state_entry {
  static std::shared_ptr<void> make_state(forking_iarchive& from) {
    if constexpr (is_stateless<F>) {
      return std::shared_ptr<State>(new State(call_with_rest(F{}, from, Parameters())));
    } else {
      in_passing<F> function([&]() -> F { return make<F>(from); });
      return std::shared_ptr<State>(new State(call_with_rest(*function, from, Parameters())));
    }
  }
  inline static const callable entry{typeid(state_entry).name(), identity_of_callable<F>(&make_state),
                                     &make_state, &identity_of_call<F, void, Parameters>};
};

}  // namespace ferry::detail
