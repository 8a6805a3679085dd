// SPDX-License-Identifier: BSL-1.0
// A pool of workers that run tasks.
#pragma once

#include <ferry/bind_front.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/pool/item_writer.hpp>
#include <ferry/detail/pool/job.hpp>
#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/detail/pool/pool_input.hpp>
#include <ferry/detail/pool/pool_map.hpp>
#include <ferry/fn.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/process.hpp>
#include <ferry/results.hpp>
#include <ferry/task.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {

/// What a worker is to make of a callable with state, or of what makes a worker's state.
template <class F>
class function_call final : public call {
 public:
  function_call(const callable& target, const F& function) : target_(target), function_(function) {}
  const callable& target() const override { return target_; }
  void write(forking_oarchive& into) const override {
    if constexpr (!is_stateless<F>) into << function_;
  }

 private:
  const callable& target_;
  const F& function_;
};

/// Everything that is known of a call of F with `Args` when it is compiled.
template <class F, class State, class... Args>
struct job_traits {
  using callable_type = std::remove_cvref_t<F>;
  static constexpr refusal why = job_refusal<F, State, Args...>;
  static consteval bool check() { return check_job<F, State, Args...>(); }
  using sent = typename job_parameters<callable_type, State, Args...>::type;
  using result = typename result_of_job<callable_type, State, sent>::type;
  using entry = job_entry<callable_type, State, sent>;
  /// Bytes of the arguments where they and the result are plain; else 0.
  static constexpr std::size_t plain_size = plain_call_size<result, sent>();
  static constexpr std::size_t result_size = [] {
    if constexpr (std::is_void_v<result>)
      return std::size_t{0};
    else
      return sizeof(result);
  }();
};
/// Of a call that is refused, nothing but why.
template <class F, class State, class... Args>
requires(job_refusal<F, State, Args...> != refusal::none) struct job_traits<F, State, Args...> {
  static constexpr refusal why = job_refusal<F, State, Args...>;
  static consteval bool check() { return check_job<F, State, Args...>(); }
};

/// Of a call for each element of what is not as it should be, nothing but why.
template <refusal Why, class Given>
struct refused_elements {
  static constexpr refusal why = Why;
  static consteval bool check() { return refuse<Why, crossing<Given>>(); }
};

template <class Element>
concept unpackable = requires {
  std::tuple_size<std::remove_cvref_t<Element>>::value;
};
template <class F, class State, class Element, std::size_t... I>
job_traits<F, State, decltype(std::get<I>(std::declval<Element>()))...> unpack(std::index_sequence<I...>);

/// Of a call of F for each element of a Range; with `Unpack` for the parts of each.
template <class F, class State, class Range, bool Unpack>
consteval auto find_element_traits() {
  if constexpr (!pool_input<Range>) {
    return std::type_identity<refused_elements<refusal::no_range, Range>>();
  } else {
    using element = input_element<Range>;
    if constexpr (!Unpack)
      return std::type_identity<job_traits<F, State, element>>();
    else if constexpr (!unpackable<element>)
      return std::type_identity<refused_elements<refusal::no_tuple, element>>();
    else
      return std::type_identity<decltype(unpack<F, State, element>(
          std::make_index_sequence<std::tuple_size_v<std::remove_cvref_t<element>>>()))>();
  }
}

}  // namespace detail

/// The ways to have something run by the workers of a pool, the same for a pool itself and for what `with`
/// and `with_state` give. Thread-safe: several threads may call at once, and each call keeps its own order.
///
/// Callables are those of `ferry::process`: `fn<&function>`, lambdas without captures, and function objects
/// whose state can cross, which is sent to each worker once a call. Arguments are converted to the callable's
/// parameters here. Arguments and results cross as values, with the live objects in them.
///
/// All throw `pool_closed` when the pool has been closed, what ended it when it has ended, and what `dumps`
/// does when arguments cannot be written.
///
/// Its name, for who keeps such a way in a class: `pool_calls<>` is what `with` gives, and `pool_calls<S>`
/// what `with_state<S>` gives. A value: copies are ways to the same pool, with the same rules and state.
///
///   struct search {
///     ferry::pool workers;
///     ferry::pool_calls<index> calls = workers.with({.retries = 1}).with_state<index>(ferry::fn<&load>,
///     "words");
///   };
///
/// @tparam State  what each worker has of its own and passes to the callable first; none by default
template <class State = detail::no_state>
class pool_calls {
  template <class F, class Range>
  using element_traits = typename decltype(detail::find_element_traits<F, State, Range, false>())::type;
  template <class F, class Range>
  using unpacked_traits = typename decltype(detail::find_element_traits<F, State, Range, true>())::type;

 public:
  /// Has a worker call `function(args...)`. Does not block, unless the arguments hold handles for which there
  /// is no descriptor left: then it waits for tasks that hold some.
  template <class F, class... Args>
  FERRY_REFUSES(detail::job_refusal<F, State, Args...>)
  auto submit(F&& function, Args&&... args) const {
    return hand_over(std::forward<F>(function), std::forward<Args>(args)...);
  }

  /// The same, and waits for the result.
  /// @throws as `task::get`
  template <class F, class... Args>
  FERRY_REFUSES(detail::job_refusal<F, State, Args...>)
  auto apply(F&& function, Args&&... args) const {
    return hand_over(std::forward<F>(function), std::forward<Args>(args)...).get();
  }

  /// `function(element)` for each element of a range, in order. Blocks until all is done; the input is read
  /// no further ahead than the workers need.
  /// @returns a vector of the results; nothing when the callable returns nothing
  /// @throws what the first element that failed threw, after all have been run; what reading the range throws
  template <class F, class Range>
  FERRY_REFUSES(element_traits<F, Range>::why)
  auto map(F&& function, Range&& input, const map_options& options = {}) const {
    return map_all<element_traits<F, Range>, false>(function, std::forward<Range>(input), options);
  }
  template <class F, class Element>
  FERRY_REFUSES(element_traits<F, std::vector<Element>>::why)
  auto map(F&& function, std::initializer_list<Element> input, const map_options& options = {}) const {
    return map_all<element_traits<F, std::vector<Element>>, false>(function, std::vector<Element>(input),
                                                                   options);
  }
  /// The same for a range of tuples, each of which holds the arguments of one call.
  template <class F, class Range>
  FERRY_REFUSES(unpacked_traits<F, Range>::why)
  auto starmap(F&& function, Range&& input, const map_options& options = {}) const {
    return map_all<unpacked_traits<F, Range>, true>(function, std::forward<Range>(input), options);
  }
  template <class F, class Element>
  FERRY_REFUSES(unpacked_traits<F, std::vector<Element>>::why)
  auto starmap(F&& function, std::initializer_list<Element> input, const map_options& options = {}) const {
    return map_all<unpacked_traits<F, std::vector<Element>>, true>(function, std::vector<Element>(input),
                                                                   options);
  }

  /// The results as a range, in the order of the input, which is read as the range is.
  template <class F, class Range>
  FERRY_REFUSES(element_traits<F, Range>::why)
  auto imap(F&& function, Range&& input, const map_options& options = {}) const {
    return lazily<true>(std::forward<F>(function), std::forward<Range>(input), options);
  }
  template <class F, class Element>
  FERRY_REFUSES(element_traits<F, std::vector<Element>>::why)
  auto imap(F&& function, std::initializer_list<Element> input, const map_options& options = {}) const {
    return lazily<true>(std::forward<F>(function), std::vector<Element>(input), options);
  }
  /// The results as a range, in the order in which they come.
  template <class F, class Range>
  FERRY_REFUSES(element_traits<F, Range>::why)
  auto imap_unordered(F&& function, Range&& input, const map_options& options = {}) const {
    return lazily<false>(std::forward<F>(function), std::forward<Range>(input), options);
  }
  template <class F, class Element>
  FERRY_REFUSES(element_traits<F, std::vector<Element>>::why)
  auto imap_unordered(F&& function, std::initializer_list<Element> input,
                      const map_options& options = {}) const {
    return lazily<false>(std::forward<F>(function), std::vector<Element>(input), options);
  }

  /// As `map`, but reads the whole input now and does not wait for results.
  /// @returns a `task` of the vector, or of nothing when the callable returns nothing
  template <class F, class Range>
  FERRY_REFUSES(element_traits<F, Range>::why)
  auto map_async(F&& function, Range&& input, const map_options& options = {}) const {
    return hand_over_all<element_traits<F, Range>, false>(function, std::forward<Range>(input), options);
  }
  template <class F, class Element>
  FERRY_REFUSES(element_traits<F, std::vector<Element>>::why)
  auto map_async(F&& function, std::initializer_list<Element> input, const map_options& options = {}) const {
    return hand_over_all<element_traits<F, std::vector<Element>>, false>(
        function, std::vector<Element>(input), options);
  }
  template <class F, class Range>
  FERRY_REFUSES(unpacked_traits<F, Range>::why)
  auto starmap_async(F&& function, Range&& input, const map_options& options = {}) const {
    return hand_over_all<unpacked_traits<F, Range>, true>(function, std::forward<Range>(input), options);
  }
  template <class F, class Element>
  FERRY_REFUSES(unpacked_traits<F, std::vector<Element>>::why)
  auto starmap_async(F&& function, std::initializer_list<Element> input,
                     const map_options& options = {}) const {
    return hand_over_all<unpacked_traits<F, std::vector<Element>>, true>(
        function, std::vector<Element>(input), options);
  }

  /// The same calls by other rules: `pool.with({.timeout = 1s, .retries = 2}).map(...)`.
  pool_calls with(const task_options& rules) const {
    pool_calls changed = *this;
    changed.rules_ = {std::chrono::duration_cast<deadline::clock::duration>(rules.timeout), rules.retries};
    changed.check_rules();
    return changed;
  }

  /// The same calls with a state that each worker makes when it first needs it, by `make(args...)`, and keeps
  /// from task to task. Callables take it as `S&` before their other parameters. A worker that is replaced
  /// makes a new one; what making it throws, each task that needs it throws.
  template <class S, class F, class... Args>
  FERRY_REFUSES(detail::state_refusal<S, F, Args...>)
  pool_calls<S> with_state(F&& make, Args&&... args) const {
    using callable = std::remove_cvref_t<F>;
    if constexpr (detail::check_call<detail::state_refusal<S, F, Args...>, F, Args...>()) {
      using parameters = detail::parameters_for<callable, Args...>;
      core_.check_open();
      const auto borrowed = detail::borrow_call(parameters(), make, std::forward<Args>(args)...);
      const maker<S, callable, parameters> written(borrowed);
      return pool_calls<S>(core_, core_.new_fixture(written), rules_);
    } else {
      std::terminate();
    }
  }

 protected:
  explicit pool_calls(detail::pool_core core) : core_(std::move(core)) {}

  mutable detail::pool_core core_;

 private:
  template <class>
  friend class pool_calls;

  static constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t items_for_each_worker = 64;

  pool_calls(detail::pool_core core, std::shared_ptr<const detail::fixture> state, detail::task_rules rules)
      : core_(std::move(core)), state_(std::move(state)), rules_(rules) {}

  /// A call of what makes a state, under the name of that.
  template <class S, class F, class Parameters>
  class maker final : public detail::call {
   public:
    explicit maker(const detail::call& of) : of_(of) {}
    const detail::callable& target() const override { return detail::state_entry<S, F, Parameters>::entry; }
    void write(forking_oarchive& into) const override { of_.write(into); }

   private:
    const detail::call& of_;
  };

  void check_rules() const { core_.check_timeout(rules_.timeout); }

  template <class Traits, class F>
  std::shared_ptr<const detail::fixture> job_for(const F& function) const {
    if constexpr (detail::is_stateless<F>) return core_.known_fixture(Traits::entry::entry);
    return core_.new_fixture(detail::function_call<F>(Traits::entry::entry, function));
  }

  template <class F, class... Args>
  auto hand_over(F&& function, Args&&... args) const {
    using traits = detail::job_traits<F, State, Args...>;
    if constexpr (traits::check()) {
      using result = typename traits::result;
      core_.check_open();
      auto call = std::make_shared<detail::single_call<result>>();
      detail::pool_task& task = call->only;
      task.job = job_for<traits>(function);
      task.state = state_;
      task.rules = rules_;
      const detail::record_title title = core_.title_of_items(traits::plain_size, traits::result_size);
      task.items = detail::pool_record(title);
      task.count = 1;
      detail::item_writer<traits>(core_, title).append(task.items, std::forward<Args>(args)...);
      task.handles = task.items.handles().size();
      task.batch = call;
      core_.submit(std::shared_ptr<detail::pool_task>(call, &task));
      return ferry::task<result>(core_, std::move(call));
    } else {
      return detail::refused_result();
    }
  }

  /// @tparam Unpack  an element holds several arguments
  template <class Traits, bool Unpack = false, class F, class Range>
  auto feed(const F& function, Range&& input, const map_options& options, std::size_t most) const {
    core_.check_open();
    const detail::record_title title = core_.title_of_items(Traits::plain_size, Traits::result_size);
    using writer = std::conditional_t<Unpack, detail::unpacking_writer<Traits>, detail::item_writer<Traits>>;
    using feeder = detail::pool_feeder<detail::kept_input<Range>, writer>;
    return std::make_unique<feeder>(core_,
                                    detail::task_template{job_for<Traits>(function), state_, rules_, title},
                                    static_cast<detail::kept_input<Range>>(std::forward<Range>(input)),
                                    writer(core_, title), options, most);
  }

  template <class Traits, bool Unpack, class F, class Range>
  auto map_all(const F& function, Range&& input, const map_options& options) const {
    if constexpr (Traits::check()) {
      using result = typename Traits::result;
      const auto feeder = feed<Traits, Unpack>(function, std::forward<Range>(input), options, any_number);
      if constexpr (std::is_void_v<result>)
        static_cast<void>(detail::gather<result>(*feeder));
      else
        return detail::gather<result>(*feeder);
    } else {
      return detail::refused_result();
    }
  }

  template <bool Ordered, class F, class Range>
  auto lazily(F&& function, Range&& input, const map_options& options) const {
    using traits = element_traits<F, Range>;
    if constexpr (traits::check()) {
      const std::size_t most =
          options.max_in_flight != 0 ? options.max_in_flight : items_for_each_worker * core_.workers();
      auto feeder = feed<traits>(function, std::forward<Range>(input), options, most);
      return results<typename traits::result, typename decltype(feeder)::element_type, Ordered>(
          std::move(feeder));
    } else {
      return detail::refused_result();
    }
  }

  template <class Traits, bool Unpack, class F, class Range>
  auto hand_over_all(const F& function, Range&& input, const map_options& options) const {
    if constexpr (Traits::check()) {
      using result = typename Traits::result;
      auto call = std::make_shared<detail::map_call<result>>();
      feed<Traits, Unpack>(function, std::forward<Range>(input), options, any_number)->hand_over_all(call);
      return task<detail::all_results<result>>(core_, std::move(call));
    } else {
      return detail::refused_result();
    }
  }

  std::shared_ptr<const detail::fixture> state_;
  detail::task_rules rules_;
};

/// Workers that run tasks: by default processes, one for each processor that this process may use.
///
///   ferry::pool pool;
///   std::vector<int> squares = pool.map(ferry::fn<&square>, std::views::iota(0, 1000));
///   ferry::task<int> one = pool.submit(ferry::fn<&square>, 7);
///
/// *Order and amount*: each call keeps its own order, and a task goes to a worker that has nothing to do
/// before it waits behind another.
///
/// *Death*: a worker that is killed, crashes or exits is replaced, and the task that it ran fails with
/// `worker_died`, or is run again if `task_options::retries` allows it. No other task is touched. When
/// workers keep ending before they are ready, the pool ends, with what the initializer threw. Workers die
/// with this process, however it ends.
///
/// *The end*: `close` and `join` have everything done; `terminate` gives up what is not. The destructor gives
/// up what has not been begun, lets what has go on for `grace`, and then terminates; it never hangs. (Workers
/// that are threads cannot be terminated, and are waited for.)
///
/// Thread-safe, but for destruction. In a forked copy of this process all calls but `cancel` throw, and its
/// destructor does nothing.
class pool : public pool_calls<> {
 public:
  /// Starts the workers. Blocks until they are started, not until they are ready.
  /// @param workers  at least one
  /// @throws usage_error  when it is 0
  /// @throws process_error, system_error  as starting processes does; nothing is left behind then
  explicit pool(std::size_t workers = cpu_count(), const pool_options& options = {})
      : pool(workers, options, std::unique_ptr<const detail::call>()) {}
  /// Each worker begins with `initializer(args...)`: the place to hand over what all tasks need, also guarded
  /// objects. They are kept, for workers to come.
  template <class F, class... Args>
  pool(std::size_t workers, const pool_options& options, F&& initializer, Args&&... args)
      FERRY_REFUSES(detail::if_given<sizeof(&initializer)>(detail::kept_call_refusal<F, Args...>));
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool();

  /// No further tasks are taken; those that there are will be done, and then the workers end. Does not block.
  void close();
  /// No further tasks are taken; those that there are fail with `pool_closed`, and workers get SIGTERM, and
  /// two seconds later SIGKILL. Does not block.
  void terminate();
  /// Waits until all workers have ended.
  /// @throws usage_error  when the pool was not closed or terminated
  void join() { join_until(deadline::never()); }
  template <class Rep, class Period>
  bool join_for(std::chrono::duration<Rep, Period> time) {
    return join_until(deadline::after(time));
  }
  /// @returns whether all workers have ended
  bool join_until(deadline until);

  /// How many workers it has, or is about to have again.
  std::size_t size() const noexcept { return core_.workers(); }
  /// Ids of the processes that work for it now.
  std::vector<std::int64_t> pids() const;

 private:
  pool(std::size_t workers, const pool_options& options, std::unique_ptr<const detail::call> initializer);

  template <class F, class... Args>
  static std::unique_ptr<const detail::call> make_initializer(F&& function, Args&&... args) {
    if constexpr (detail::check_call<detail::kept_call_refusal<F, Args...>, F, Args...>()) {
      return detail::keep_call(detail::parameters_for<std::remove_cvref_t<F>, Args...>(),
                               std::forward<F>(function), std::forward<Args>(args)...);
    }
    return nullptr;
  }
};

template <class F, class... Args>
pool::pool(std::size_t workers, const pool_options& options, F&& initializer, Args&&... args)
    : pool(workers, options, make_initializer(std::forward<F>(initializer), std::forward<Args>(args)...)) {}

}  // namespace ferry
