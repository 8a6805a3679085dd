// SPDX-License-Identifier: BSL-1.0
// Calls of many items: reading the input as far ahead as it may be, and putting the results in order.
#pragma once

#include <ferry/detail/pool/pool_input.hpp>
#include <ferry/pool_options.hpp>
#include <ferry/task.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry::detail {

/// What all tasks of a call have in common.
struct task_template {
  std::shared_ptr<const fixture> job, state;
  task_rules rules;
  record_title title;

  std::shared_ptr<pool_task> make(std::shared_ptr<pool_batch> batch, std::size_t first) const {
    auto task = std::make_shared<pool_task>();
    task->job = job;
    task->state = state;
    task->rules = rules;
    task->first = first;
    task->batch = std::move(batch);
    task->items = pool_record(title);
    return task;
  }
};

/// Reads an input range and hands its elements over in tasks.
/// @tparam View  a `kept_input`
/// @tparam Writer  writes an element into a record, as one item: an `item_writer`
template <class View, class Writer>
class pool_feeder {
 public:
  /// @param most_items  under way at a time
  pool_feeder(pool_core core, task_template tasks, View input, Writer writer, map_options options,
              std::size_t most_items)
      : core_(std::move(core)),
        tasks_(std::move(tasks)),
        input_(std::forward<View>(input)),
        writer_(std::move(writer)),
        options_(std::move(options)),
        most_items_(most_items),
        batch_(std::make_shared<pool_batch>()) {
    core_.cancel_by(options_.stop, batch_);
    // Not of what can be read once: to tell its size it might have to be read.
    if constexpr (std::ranges::forward_range<View> && std::ranges::sized_range<View>)
      total_ = static_cast<std::size_t>(std::ranges::size(input_));
    else if constexpr (counts_itself)
      begin();
  }

  /// Hands over tasks until there are enough for the workers or `most_items` are under way, the input ends,
  /// or it throws. What it throws is kept, and comes after the results of what was before it. Of an input
  /// that takes its time at most what keeps the workers busy is read before the results are looked at.
  void fill() {
    const std::size_t workers = core_.workers();
    const auto slow = deadline::after(slow_input);
    const auto enough = [&] {
      return tasks_out_ >= most_tasks_for_each * workers || items_out_ >= most_items_ ||
             handles_out_ >= most_handles_out ||
             (tasks_out_ >= least_tasks_for_each * workers && slow.expired());
    };
    try {
      while (!ended_ && !stopped() && !enough()) hand_over(most_items_ - items_out_);
    } catch (...) {
      thrown_ = std::current_exception();
      ended_ = true;
    }
    if (stopped()) {
      ended_ = true;
      cancel();  // what was handed over when it was being stopped
    }
    if (ended_ && !batch_->sealed) core_.seal(*batch_);
  }
  /// What has been done since the last time; waits for it.
  /// @returns nothing when all is done
  task_list take() {
    core_.wait_any(*batch_, deadline::never());
    // Counted by the pool: where a worker dies, a task may become two.
    task_list finished;
    std::tie(finished, tasks_out_) = core_.take_finished(*batch_);
    for (const auto& each : finished) handles_out_ -= each->handles;
    return finished;
  }
  /// Items have been read by who wanted them, so more of the input can be.
  void landed(std::size_t items) { items_out_ -= items; }

  /// Reads the whole input, and hands it over as tasks of another batch.
  /// @throws what reading and handing over throw; what was handed over before is given up
  void hand_over_all(std::shared_ptr<pool_batch> batch) {
    batch_ = std::move(batch);
    core_.cancel_by(options_.stop, batch_);
    comes_back_ = false;
    try {
      while (!ended_ && !stopped()) hand_over(most_items_);
      if (stopped()) throw stopped_error();
    } catch (...) {
      core_.cancel(*batch_);
      core_.seal(*batch_);
      throw;
    }
    core_.seal(*batch_);
  }

  bool stopped() const { return options_.stop.stop_requested(); }
  static task_cancelled stopped_error() { return task_cancelled("the call was stopped by its stop token"); }
  bool ended() const noexcept { return ended_; }
  std::size_t read() const noexcept { return read_; }
  std::optional<std::size_t> total() const noexcept { return total_; }
  const std::exception_ptr& thrown() const noexcept { return thrown_; }
  const std::shared_ptr<pool_batch>& batch() const noexcept { return batch_; }
  pool_core& core() noexcept { return core_; }
  void cancel() { core_.cancel(*batch_); }

  void tell_progress(std::size_t done) {
    if (!options_.progress) return;
    const std::chrono::duration<double> time = deadline::clock::now() - start_;
    options_.progress({.done = done,
                       .total = total_,
                       .rate = time.count() > 0 ? static_cast<double>(done) / time.count() : 0});
  }

 private:
  static constexpr std::chrono::milliseconds slow_input{1};
  static constexpr std::size_t least_tasks_for_each = 2, most_tasks_for_each = 4;
  /// A task has at most that many handles, but for those of a single item; and a call has at most that many
  /// under way: each takes a descriptor here until its task is done, of which a process has 1024 as a rule.
  static constexpr std::size_t most_handles_of_task = 32, most_handles_out = 256;

  /// Whether the two ends tell how much is between them, as those of Boost's adaptors of arrays do, which are
  /// no forward ranges to the standard.
  static constexpr bool counts_itself =
      std::sized_sentinel_for<std::ranges::sentinel_t<View>, std::ranges::iterator_t<View>>;

  void begin() {
    at_.emplace(std::ranges::begin(input_));
    end_.emplace(std::ranges::end(input_));
    if constexpr (counts_itself) total_ = static_cast<std::size_t>(*end_ - *at_);
  }

  void hand_over(std::size_t most) {
    if (!at_) begin();
    std::shared_ptr<pool_task> task = tasks_.make(batch_, read_);
    std::exception_ptr thrown;
    try {
      read_items(*task, chunk(most));
    } catch (...) {
      thrown = std::current_exception();
    }
    if (task->count != 0) {
      const std::uint32_t count = task->count;
      task->handles = task->items.handles().size();
      handles_out_ += task->handles;
      core_.submit(std::move(task), comes_back_);
      read_ += count;
      items_out_ += count;
      ++tasks_out_;
    }
    if (thrown) std::rethrow_exception(thrown);
  }

  /// Reads elements until the task has so many, the input ends, or it is stopped. What has been read of an
  /// input that takes its time goes as it is: looks at the clock after 1, 2, 4, 8 ... items tell that.
  void read_items(pool_task& task, std::size_t wanted) {
    const auto slow = options_.chunk_size == 0 ? deadline::after(slow_input) : deadline::never();
    for (std::size_t look = 1; task.count < wanted && !ended_ && !stopped(); look *= 2) {
      if (task.count != 0 && slow.expired()) return;
      const std::size_t next = std::min(wanted, look);
      if constexpr (Writer::plain_size != 0) {
        if (writer_.plain()) {
          read_plain_items(task, next);
          continue;
        }
      }
      for (; task.count < next && !at_end() && !stopped(); ++task.count) {
        if (task.items.handles().size() >= most_handles_of_task) return;
        writer_.append(task.items, **at_);
        is_read_ = true;
      }
    }
  }
  /// The same, with all that changes from item to item at hand: it is all that such an item costs.
  void read_plain_items(pool_task& task, std::size_t wanted) {
    using iterator = std::ranges::iterator_t<View>;
    using kept = std::conditional_t<std::is_trivially_copyable_v<iterator> && std::copyable<iterator>,
                                    iterator, iterator&>;
    struct position {
      pool_feeder& of;
      pool_task& task;
      kept at{*of.at_};
      bool is_read = of.is_read_;
      std::uint32_t count = task.count;
      ~position() {
        if constexpr (!std::is_reference_v<kept>) *of.at_ = at;
        of.is_read_ = is_read;
        task.count = count;
        task.items.storage().truncate(sizeof(record_title) + count * Writer::plain_size);
      }
    } now{*this, task};
    std::byte* place = task.items.storage().extend((wanted - now.count) * Writer::plain_size);
    const auto& end = *end_;
    const bool may_stop = options_.stop.stop_possible();
    for (; now.count < wanted; ++now.count) {
      if (std::exchange(now.is_read, false)) ++now.at;
      if (now.at == end) {
        ended_ = true;
        return;
      }
      if (may_stop && stopped()) return;
      writer_.write_plain(place, *now.at);
      now.is_read = true;
      place += Writer::plain_size;
    }
  }
  /// Goes to the next element, when it is wanted and not before: that may be to wait for it.
  bool at_end() {
    if (std::exchange(is_read_, false)) ++*at_;
    ended_ = *at_ == *end_;
    return ended_;
  }

  std::size_t chunk(std::size_t most) const {
    if (options_.chunk_size != 0) return std::min(most, options_.chunk_size);
    const std::optional<std::size_t> left = total_ ? std::optional(*total_ - read_) : std::nullopt;
    const std::size_t fair = std::max<std::size_t>(most_items_ / (2 * core_.workers()), 1);
    return std::min({most, fair, core_.automatic_chunk(*batch_, left)});
  }

  pool_core core_;
  task_template tasks_;
  View input_;
  Writer writer_;
  map_options options_;
  std::size_t most_items_;
  std::shared_ptr<pool_batch> batch_;
  std::optional<std::ranges::iterator_t<View>> at_;
  std::optional<std::ranges::sentinel_t<View>> end_;
  bool is_read_ = false;  // the element where it is
  std::optional<std::size_t> total_;
  std::size_t read_ = 0, items_out_ = 0, tasks_out_ = 0, handles_out_ = 0;
  bool ended_ = false, comes_back_ = true;
  std::exception_ptr thrown_;
  deadline::clock::time_point start_ = deadline::clock::now();
};

/// Moves tasks to their places among others, which are in the order of their items.
inline void put_in_order(task_list& others, task_list tasks) noexcept {
  while (!tasks.empty()) {
    auto place = others.end();
    while (place != others.begin() && (*std::prev(place))->first > tasks.front()->first) --place;
    others.splice(place, tasks, tasks.begin());
  }
}

/// The results of the items of a finished task, one after the other.
template <class R>
class task_results {
 public:
  explicit task_results(std::shared_ptr<pool_task> of) : task_(std::move(of)), items_(task_->answer) {}

  std::size_t first() const noexcept { return task_->first; }
  std::size_t count() const noexcept { return task_->count; }
  bool done() const noexcept { return taken_ == task_->count; }
  /// @throws what the item's call threw, or why there is no answer
  result_value<R> next(const archive_options& options) {
    const std::size_t number = task_->first + taken_++;
    if (task_->failure) std::rethrow_exception(task_->failure);
    return read_result<R>(items_, options, number);
  }

  /// Appends all at once where they are plain. @returns whether they were
  bool append_all_to(std::vector<result_value<R>>& results) requires(!std::is_void_v<R> &&
                                                                     is_bitwise<result_value<R>>) {
    if (task_->failure || taken_ != 0) return false;
    const std::span<const std::byte> bytes = items_.all_plain(sizeof(R), task_->count);
    if (bytes.empty() || reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(R) != 0) return false;
    // Bytes of a trivially copyable object that were copied into memory from the heap are such an object.
    const auto* const first = reinterpret_cast<const result_value<R>*>(bytes.data());
    results.insert(results.end(), first, first + task_->count);
    taken_ = task_->count;
    return true;
  }

 private:
  std::shared_ptr<pool_task> task_;
  item_reader items_;
  std::size_t taken_ = 0;
};

/// All results of a call, in the order of its items.
/// @throws what the first item that failed threw; the others have been run all the same
template <class R, class Feeder>
std::vector<result_value<R>> gather(Feeder& feeder) {
  std::vector<result_value<R>> results;
  if constexpr (!std::is_void_v<R>)
    if (feeder.total()) results.reserve(*feeder.total());
  task_list early;  // before their turn
  std::exception_ptr thrown;
  std::size_t next = 0, done = 0;
  for (;;) {
    feeder.fill();
    task_list finished = feeder.take();
    if (feeder.stopped() && !thrown) thrown = std::make_exception_ptr(feeder.stopped_error());
    if (finished.empty()) break;
    for (const auto& each : finished) {
      done += each->count;
      feeder.landed(each->count);
    }
    for (put_in_order(early, std::move(finished)); !early.empty() && early.front()->first == next;
         early.pop_front()) {
      task_results<R> items(std::move(early.front()));
      next += items.count();
      if constexpr (requires { items.append_all_to(results); })
        if (!thrown && items.append_all_to(results)) continue;
      while (!thrown && !items.done()) {
        try {
          in_passing<result_value<R>> result(
              [&]() -> result_value<R> { return items.next(feeder.core().packing()); });
          if constexpr (!std::is_void_v<R>) results.push_back(result.take());
        } catch (...) {
          thrown = std::current_exception();
        }
      }
    }
    feeder.tell_progress(done);
  }
  if (thrown) std::rethrow_exception(thrown);
  if (feeder.thrown()) std::rethrow_exception(feeder.thrown());
  return results;
}

/// What a call of many items gives: nothing, where they give nothing.
template <class R>
using all_results = std::conditional_t<std::is_void_v<R>, void, std::vector<result_value<R>>>;

/// A `map_async`: its input has been read when it is made.
template <class R>
class map_call final : public pool_call<all_results<R>> {
  result_value<all_results<R>> read(pool_core& core) override {
    task_list tasks = core.take_finished(*this).first;
    tasks.sort([](const auto& a, const auto& b) { return a->first < b->first; });
    result_value<all_results<R>> results;
    for (const auto& each : tasks)
      for (task_results<R> items(each); !items.done();) {
        [[maybe_unused]] in_passing<result_value<R>> result(
            [&]() -> result_value<R> { return items.next(core.packing()); });
        if constexpr (!std::is_void_v<R>) results.push_back(result.take());
      }
    return results;
  }
};

}  // namespace ferry::detail
