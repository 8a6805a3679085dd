// SPDX-License-Identifier: BSL-1.0
// Giving tasks to workers, taking their answers, and taking tasks back.
#include "pool/dispatcher.hpp"

#include <ferry/error.hpp>

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <optional>
#include <utility>

namespace ferry::detail {
namespace {

// How much is sent ahead to a worker: enough that it need not wait for the next task while the scheduler is
// busy elsewhere, and not so much that there is a lot to take back.
constexpr std::size_t most_tasks_ahead = 64;
constexpr std::size_t most_bytes_ahead = std::size_t{1} << 20U;
// What it takes, about, to wake a worker that sleeps: short tasks rather wait behind others for that long.
constexpr std::uint64_t wake_up_nanoseconds = 30'000;

/// How long a task will take, by others of its call; without any, so long that it is worth waking a worker.
std::uint64_t estimate(const pool_task& task) noexcept {
  const pool_batch& batch = *task.batch;
  return batch.items_answered == 0 ? wake_up_nanoseconds
                                   : batch.nanoseconds / batch.items_answered * task.count;
}

}  // namespace

void dispatcher::finish(pool_worker& who) noexcept {
  who.finishing = true;
  try {
    who.link->finish();
  } catch (const error&) {  // its memory makes no sense any more: that will be seen where it is read
  }
}

// --- tasks in ----------------------------------------------------------------------------------------------

void dispatcher::add(const std::shared_ptr<pool_task>& task) {
  waiting_.push_back(task);
  of_.done.add(*task);
}

void dispatcher::place(spreading how) {
  of_.jobs.send_forgotten(workers_);
  // A worker that takes no more, as one can make its pool believe, is no reason why others should not.
  ++round_;
  while (!waiting_.empty()) {
    pool_worker* const to = find_place(*waiting_.front(), how);
    if (to == nullptr) return;
    if (!give_first(*to)) to->refused_in = round_;
  }
}

pool_worker* dispatcher::find_place(const pool_task& task, spreading how) {
  // Handles are not taken back, so they are sent to those alone who take them at once.
  const bool may_wait = task.items.handles().empty();
  const std::uint64_t time = estimate(task);
  pool_worker* best = nullptr;
  for (const auto& each : workers_) {
    if (each->finishing || each->timed_out || each->misbehaved || each->unreadable ||
        each->unrecallable_since || each->refused_in == round_)
      continue;
    if (each->tasks != 0) {
      if (!may_wait || each->tasks >= most_tasks_ahead ||
          each->bytes + task.items.bytes().size() > most_bytes_ahead)
        continue;
      if (how == spreading::as_needed && each->nanoseconds + time < wake_up_nanoseconds) return each.get();
    }
    if (best == nullptr || each->tasks < best->tasks) best = each.get();
  }
  return best;
}

/// Gives a worker the first task that waits, or settles that if it cannot be given to any.
/// @returns false when this worker has no room, or has ended: the task waits on
bool dispatcher::give_first(pool_worker& to) {
  const std::shared_ptr<pool_task> task = waiting_.front();
  const bool is_timed = task->rules.timeout > task->rules.timeout.zero();
  try {
    if (!of_.jobs.install(to, *task->job) || (task->state && !of_.jobs.install(to, *task->state)))
      return false;
    record_title title = task->items.title();  // whoever made it knows the form of its items
    title.what = record_title::kind::run;
    title.count = task->count;
    title.id = of_.jobs.new_id();
    title.job = task->job->id();
    title.state = task->state ? task->state->id() : 0;
    title.timed = is_timed ? 1 : 0;
    task->items.set_title(title);
    if (!to.link->send(task->items)) return false;
    task->id = title.id;
    task->nanoseconds = estimate(*task);
  } catch (const end_of_stream&) {
    // It has died, or it is of no use and does now. The task waits until that has been seen.
    to.link->kill();
    return false;
  } catch (...) {
    of_.done.settle(waiting_, waiting_.begin(), std::current_exception());
    return true;
  }
  to.sent.splice(to.sent.end(), waiting_, waiting_.begin());
  ++to.tasks;
  to.bytes += task->items.bytes().size();
  to.nanoseconds += task->nanoseconds;
  ++out_;
  if (++to.given == most_tasks_) finish(to);
  if (is_timed && of_.whose_turn.keeper_sleeps_beyond(deadline::after(task->rules.timeout)))
    of_.whose_turn.call_keeper();
  return true;
}

// --- answers out -------------------------------------------------------------------------------------------

bool dispatcher::collect() {
  of_.whose_turn.listen_anew();
  bool any = false;
  for (const auto& each : workers_)
    if (each->tasks != 0) any |= collect_from(*each);
  return any;
}

bool dispatcher::collect_from(pool_worker& from) {
  if (from.unreadable) return false;
  for (bool any = false;; any = true) {
    received_record answer;
    std::exception_ptr problem;
    try {
      if (!from.link->receive(answer, largest_answer(from))) return any;
    } catch (const std::bad_alloc&) {
      if (answer.bytes().size() < sizeof(record_title)) throw;  // it can be taken later
      problem = std::current_exception();
    } catch (const system_error&) {
      problem = std::current_exception();
      if (answer.bytes().size() < sizeof(record_title)) {
        cannot_read(from, problem);
        return true;
      }
    } catch (const error&) {
      of_.done.drop_later(answer);
      kill_for_nonsense(from);
      return any;
    }
    // What came without all that belongs to it, for lack of memory or descriptors, is told to who waits.
    if (!answered(from, answer, problem)) {
      of_.done.drop_later(answer);
      kill_for_nonsense(from);
      return any;
    }
  }
}

/// What the next answer of a worker may have: so much for each item, or nothing when none is due.
limits dispatcher::largest_answer(const pool_worker& from) const noexcept {
  const auto next = from.running();
  limits most{.bytes = 0, .depth = 0, .objects = 0, .handles = 0};
  if (next == from.sent.end()) return most;
  const auto times = [count = std::size_t{(*next)->count}](std::size_t each, std::size_t more) {
    constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
    return each > all / count - more ? all : (each + more) * count;
  };
  // No process has more descriptors than that, by the default of the system.
  const std::size_t uses = std::min(largest_.handles, std::size_t{1} << 20U) * sizeof(handle_use);
  most.bytes = times(largest_.bytes, sizeof(item_head) + sizeof(record_title) + uses);
  most.handles = times(largest_.handles, 0);
  return most;
}

/// The next answer of a worker will never be read here, nor what comes behind it.
void dispatcher::cannot_read(pool_worker& from, const std::exception_ptr& why) {
  from.unreadable = true;
  from.link->kill();
  const auto next = from.running();
  if (next == from.sent.end()) return;
  took_from(from, **next);
  of_.done.settle(from.sent, next, why);
}

bool dispatcher::answered(pool_worker& from, received_record& answer, std::exception_ptr failure) {
  if (answer.bytes().size() < sizeof(record_title)) return false;
  const record_title title = title_of(answer);
  from.sent.erase(from.sent.begin(), from.running());
  if (from.sent.empty()) return false;
  const std::shared_ptr<pool_task> task = from.sent.front();
  if (task->id != title.id || task->count != title.count) return false;
  ++answers_;
  from.was_ready = true;  // whatever it will say of that
  task->job->deaths = 0;
  if (task->state) task->state->deaths = 0;
  took_from(from, *task);
  task->batch->items_answered += title.count;
  task->batch->nanoseconds += std::min(title.nanoseconds, std::uint64_t{1} << 40U);
  task->answer = std::move(answer);
  of_.done.settle(from.sent, from.sent.begin(), std::move(failure));
  return true;
}

void dispatcher::took_from(pool_worker& from, const pool_task& task) noexcept {
  --from.tasks;
  from.bytes -= task.items.bytes().size();
  from.nanoseconds -= task.nanoseconds;
  --out_;
}

void dispatcher::kill_for_nonsense(pool_worker& who) noexcept {
  who.misbehaved = true;
  who.link->kill();
}

// --- taking back -------------------------------------------------------------------------------------------

bool dispatcher::is_uneven() const noexcept {
  if (any_waiting()) return false;
  bool some_idle = false, some_ahead = false;
  for (const auto& each : workers_) {
    some_idle |= each->tasks == 0 && !each->finishing;
    some_ahead |= each->tasks > 1;
  }
  return some_idle && some_ahead;
}

bool dispatcher::even_out() {
  if (!is_uneven()) return false;
  const auto most = std::max_element(workers_.begin(), workers_.end(),
                                     [](const auto& a, const auto& b) { return a->tasks < b->tasks; });
  take_back(**most);
  if (!any_waiting()) return false;
  place(spreading::evenly);
  return true;
}

bool dispatcher::take_back(pool_worker& from) noexcept {
  const std::size_t waited = waiting_.size();
  std::size_t count = 0;
  try {
    const std::optional<std::size_t> recalled = from.link->recall(from.sent.size());
    if (!recalled) {
      // The keeper tries again.
      if (!from.unrecallable_since) from.unrecallable_since = of_.clock.now();
      of_.whose_turn.call_keeper();
      return false;
    }
    count = std::min(*recalled, from.sent.size());
    from.unrecallable_since.reset();
  } catch (const error&) {
    kill_for_nonsense(from);
    return false;
  }
  for (; count != 0; --count) {
    pool_task& last = *from.sent.back();
    if (last.what == record_title::kind::run) {
      took_from(from, last);
      --from.given;
      waiting_.splice(waiting_.begin(), from.sent, std::prev(from.sent.end()));
      continue;
    }
    of_.jobs.was_recalled(from, last);
    from.sent.pop_back();
  }
  return waiting_.size() != waited;
}

bool dispatcher::recall_again(pool_worker& who) noexcept {
  if (!who.unrecallable_since || who.stuck) return false;
  if (take_back(who)) return true;
  if (!who.unrecallable_since || of_.clock.now() - *who.unrecallable_since < most_time_to_take) return false;
  who.stuck = true;
  who.link->kill();
  return false;
}

bool dispatcher::take_back(const pool_batch& batch) noexcept {
  bool any_busy = false;
  for (const auto& each : workers_) {
    const auto concerns = [&](const auto& task) { return task->batch.get() == &batch; };
    if (!std::any_of(each->sent.begin(), each->sent.end(), concerns)) continue;
    take_back(*each);
    any_busy |= each->unrecallable_since && !each->stuck;
  }
  return any_busy;
}

std::size_t dispatcher::give_up(const pool_batch& batch, const std::exception_ptr& why) noexcept {
  std::size_t count = 0;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto each = at++;
    if ((*each)->batch.get() != &batch) continue;
    of_.done.settle(waiting_, each, why);
    ++count;
  }
  return count;
}

void dispatcher::give_up_all(const std::exception_ptr& why) noexcept {
  for (const auto& each : workers_) take_back(*each);
  while (!waiting_.empty()) of_.done.settle(waiting_, waiting_.begin(), why);
}

// --- of a worker that has ended ----------------------------------------------------------------------------

void dispatcher::fail_what_ran(pool_worker& ended, task_list::iterator which, std::uint32_t item,
                               bool may_retry, std::exception_ptr why) {
  pool_task& task = **which;
  if (task.deaths < task.rules.retries && may_retry) {
    ++task.deaths;
    took_from(ended, task);
    waiting_.splice(waiting_.begin(), ended.sent, which);
    return;
  }
  if (item + 1 < task.count) {
    task_list rest(1, std::make_shared<pool_task>());
    pool_task& later = *rest.front();
    later.job = task.job;
    later.state = task.state;
    later.rules = task.rules;
    later.first = task.first + item + 1;
    later.count = task.count - item - 1;
    later.batch = task.batch;
    later.items = task.items.split_off(item + 1);
    later.handles = later.items.handles().size();
    task.handles -= later.handles;
    task.count = item + 1;
    of_.done.has_been_split(task, later);
    waiting_.splice(waiting_.begin(), rest);
  }
  took_from(ended, task);
  of_.done.settle(ended.sent, which, std::move(why));
}

const fixture* dispatcher::needed_by_waiting(std::uint64_t id) const noexcept {
  for (const auto& task : waiting_)
    for (const fixture* needed : {task->job.get(), task->state.get()})
      if (needed != nullptr && needed->id() == id) return needed;
  return nullptr;
}

bool dispatcher::has_to_be_looked_after() const noexcept {
  if (waits_for_no_answer()) return true;
  return out_ != 0 &&
         (any_waiting() || of_.done.any_promised() ||
          std::any_of(workers_.begin(), workers_.end(), [](const auto& each) { return each->tasks > 1; }));
}

}  // namespace ferry::detail
