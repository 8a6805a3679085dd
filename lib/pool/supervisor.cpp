// SPDX-License-Identifier: BSL-1.0
// What is done about workers that die, are late, or cannot be started.
#include "pool/supervisor.hpp"

#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include "os/wait.hpp"
#include "pool/written_call.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

namespace ferry::detail {
namespace {

using time_point = pool_clock::time_point;

std::uint64_t nanoseconds(deadline::clock::duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

/// `count` times `time` after `from`, or the end of time.
time_point after_times(time_point from, deadline::clock::duration time, std::uint32_t count) {
  const auto most = (time_point::max() - from) / std::max(count, 1U);
  return time < most ? from + time * count : pool_clock::never;
}

bool is_timed(const pool_task& task) noexcept {
  return task.rules.timeout > task.rules.timeout.zero();
}

}  // namespace

supervisor::supervisor(std::size_t workers, const pool_options& options, engine& engine,
                       const call* initializer, const archive_options& packing, const dispatcher::parts& of,
                       dispatcher& tasks, pool_phase& phase)
    : wanted_(workers),
      options_(options),
      engine_(engine),
      initializer_(initializer),
      packing_(packing),
      of_(of),
      tasks_(tasks),
      phase_(phase) {}

void supervisor::start_all() {
  tasks_.workers().reserve(wanted_);
  for (std::size_t i = 0; i < wanted_; ++i) add(start_worker());
}

std::unique_ptr<pool_worker> supervisor::start_worker() {
  worker_setup setup;
  setup.name = "worker-" + std::to_string(++started_);
  setup.archive = packing_;
  setup.max_memory = options_.max_memory;
  if (initializer_ != nullptr) {
    const spawning_scope guarded_objects_may_cross;
    forking_oarchive archive("ferry.pool.initializer", packing_);
    write_call(archive, *initializer_);
    setup.initializer = archive.finish();
  }
  auto started = std::make_unique<pool_worker>();
  started->link = engine_.start(std::move(setup), of_.whose_turn.bell());
  return started;
}

void supervisor::add(std::unique_ptr<pool_worker> who) {
  deaths_.add(handle_view(who->link->native_handle()));
  tasks_.workers().push_back(std::move(who));
}

// --- late workers ------------------------------------------------------------------------------------------

/// When a worker will have taken too long for the task that it is at, or to begin the next one.
time_point supervisor::latest_end(pool_worker& who) const {
  const auto next = std::as_const(who).running();
  if (next == who.sent.end() || who.timed_out || !is_timed(**next)) return pool_clock::never;
  const pool_task& task = **next;
  const auto timeout = task.rules.timeout;
  const worker_progress at = who.link->progress();
  const auto now = of_.clock.now();
  if (std::exchange(who.next_id, task.id) != task.id) {
    who.next_since = now;
    who.begun_since.reset();
  }
  who.was_ready |= at.ready;
  if (at.run == task.id && !who.begun_since) who.begun_since = now;
  if (who.begun_since) {
    // Whatever the worker says, all of its items together have no more than that.
    const auto latest = after_times(*who.begun_since, timeout, task.count);
    if (at.run != task.id) return latest;
    const std::uint64_t so_far = nanoseconds(now.time_since_epoch()) - at.begun_at;
    // It has begun a moment after it was looked at, or what it says makes no sense.
    if (static_cast<std::int64_t>(so_far) <= 0) return latest;
    const auto left = timeout - std::chrono::nanoseconds(so_far);
    return left > left.zero() ? std::min(latest, now + left) : pool_clock::at_once;
  }
  // What it may be making before it begins: that takes what it takes, but where nothing has to be made.
  const bool makes_something = std::any_of(who.sent.begin(), who.sent.end(), [&](const auto& each) {
    return each->what == record_title::kind::make && each->id == at.run;
  });
  const bool takes_time = at.run != task.job->id() || !task.job->takes_no_time;
  if (!who.was_ready || (makes_something && takes_time)) return pool_clock::never;
  return who.next_since +
         std::clamp<deadline::clock::duration>(timeout, least_time_to_begin, most_time_to_begin);
}

deadline supervisor::next_event() {
  const worker_list& workers = tasks_.workers();
  const auto now = of_.clock.now();
  time_point next = workers.empty() ? pool_clock::never : kill_all_;
  if (workers.size() < wanted_ && !phase_.stopping() && !phase_.broken()) next = std::min(next, next_start_);
  for (const auto& each : workers) {
    next = std::min(next, latest_end(*each));
    // It is to be recalled, and tells no one when it can be.
    if (each->unrecallable_since && !each->stuck) next = std::min(next, now + dispatcher::pause_for_taking);
    // It may begin at any moment, and tells no one.
    const auto at = std::as_const(*each).running();
    if (at != each->sent.end() && is_timed(**at))
      next = std::min(next, after_times(now, (*at)->rules.timeout, 1));
  }
  if (next <= now) return deadline::immediately();
  return next == pool_clock::never ? deadline::never() : deadline::at(next);
}

void supervisor::kill_late() {
  const worker_list& workers = tasks_.workers();
  if (!workers.empty() && kill_all_ <= of_.clock.now()) {
    kill_all_ = of_.clock.now() + pause_after_failure;
    for (const auto& each : workers) each->link->kill();
  }
  bool any_recalled = false;
  for (const auto& each : workers) {
    any_recalled |= tasks_.recall_again(*each);
    if (latest_end(*each) > of_.clock.now()) continue;
    // What it answered meanwhile is taken: then it is at another task, and has its time.
    if (tasks_.collect_from(*each)) continue;
    each->timed_out = true;
    each->link->kill();
  }
  if (!any_recalled) return;
  give_up_what_is_left();
  tasks_.place(dispatcher::spreading::evenly);
}

// --- workers that have ended -------------------------------------------------------------------------------

void supervisor::reap_ended() {
  worker_list& workers = tasks_.workers();
  if (workers.empty() || !os::wait_readable(deaths_.handle(), deadline::immediately())) return;
  bool any = false;
  for (auto at = workers.begin(); at != workers.end();) {
    const std::optional<worker_end> how = (*at)->link->ended();
    if (!how) {
      ++at;
      continue;
    }
    reap(**at, *how);
    deaths_.remove(handle_view((*at)->link->native_handle()));
    of_.done.drop_later(*at);
    at = workers.erase(at);
    any = true;
  }
  if (!any) return;
  tasks_.place();
  of_.whose_turn.changed_for_all();
}

/// Can be called again where an exception has ended it.
void supervisor::reap(pool_worker& ended, const worker_end& how) {
  const worker_progress at = ended.link->progress();
  using cause = worker_died::cause;
  cause why = cause::lost;
  if (how.how == worker_end::kind::exited) why = cause::exited;
  if (how.how == worker_end::kind::killed) why = cause::killed;
  if (ended.timed_out) why = cause::timed_out;
  if (ended.misbehaved || ended.stuck) why = cause::misbehaved;
  const auto died_of = [&](std::size_t task) {
    return std::make_exception_ptr(worker_died(why, how.code, ended.link->pid(), task));
  };
  const std::exception_ptr died_at_no_task = how.thrown ? how.thrown : died_of(worker_died::no_task);
  const bool was_wanted = (!ended.finishing || ended.tasks != 0) && !phase_.terminated();

  // What it had answered before it died has been answered; what it had not begun can be done by others; and
  // what is left is what it died of.
  if (ended.tasks != 0 && !ended.misbehaved) tasks_.collect_from(ended);
  const bool had_more = !ended.misbehaved && tasks_.take_back(ended);
  bool making = false, at_work = false;
  for (auto next = ended.sent.begin(); next != ended.sent.end();) {
    const auto each = next++;
    const pool_task& task = **each;
    making |= task.what == record_title::kind::make && task.id == at.run;
    if (!pool_worker::is_to_be_run(*each)) continue;
    at_work = true;
    const std::uint32_t item = at.run == task.id ? std::min(at.item, task.count - 1) : 0;
    tasks_.fail_what_ran(ended, each, item, !phase_.terminated(),
                         phase_.terminated() ? phase_.was_terminated : died_of(task.first + item));
  }

  if (had_more && was_wanted && at.ready && !at_work && !making) tasks_.count_miss(died_of);
  if (at.ready || !was_wanted) failed_starts_ = 0;
  if (was_wanted) {
    if (!at.ready)
      failed_to_start(died_at_no_task, most_failed_starts);
    else if (at.run == 0)
      died_idle(died_at_no_task);
    else if (making)
      died_making(at.run, died_at_no_task);
  }
  give_up_what_is_left();
}

/// What is to be run again, or could not be taken back before, where no worker will run it.
void supervisor::give_up_what_is_left() noexcept {
  if (const std::exception_ptr why = phase_.why_given_up()) tasks_.give_up_all(why);
}

void supervisor::died_making(std::uint64_t what, const std::exception_ptr& why) {
  const fixture* const deadly = tasks_.needed_by_waiting(what);
  // Those that wait for it fail when they are to be given to a worker.
  if (deadly != nullptr && ++deadly->deaths >= most_deaths_of_making) deadly->failure = why;
}

void supervisor::died_idle(std::exception_ptr why) {
  if (std::exchange(answers_before_, tasks_.answers()) != tasks_.answers()) idle_deaths_ = 0;
  if (++idle_deaths_ <= wanted_) return;
  next_start_ = of_.clock.now() + pause_after_failure;
  if (idle_deaths_ >= most_idle_deaths * wanted_) break_off(std::move(why));
}

void supervisor::failed_to_start(std::exception_ptr why, std::size_t most) {
  next_start_ = of_.clock.now() + pause_after_failure;
  if (++failed_starts_ >= most) break_off(std::move(why));
}

void supervisor::break_off(std::exception_ptr why) {
  phase_.break_off(why);
  tasks_.give_up_all(why);
  for (const auto& each : tasks_.workers()) dispatcher::finish(*each);
}

void supervisor::replace(lock_type& lock) {
  while (tasks_.workers().size() < wanted_ && !phase_.broken() && !phase_.terminated() &&
         next_start_ <= of_.clock.now() && (!phase_.closed() || tasks_.any_waiting())) {
    std::unique_ptr<pool_worker> started;
    lock.unlock();
    try {
      started = start_worker();
    } catch (...) {
      lock.lock();
      // Those that there are go on; only without any the pool is at its end.
      if (tasks_.workers().empty())
        failed_to_start(std::current_exception(), most_refused_starts);
      else
        next_start_ = of_.clock.now() + pause_after_failure;
      of_.whose_turn.changed_for_all();
      return;
    }
    lock.lock();
    add(std::move(started));
    if (phase_.terminated()) tasks_.workers().back()->link->terminate();
    tasks_.place();
    of_.whose_turn.changed_for_all();
  }
}

// --- the end -----------------------------------------------------------------------------------------------

void supervisor::finish_all() {
  if (!phase_.closed() || tasks_.any_waiting() || tasks_.out() != 0) return;
  for (const auto& each : tasks_.workers())
    if (!each->finishing) dispatcher::finish(*each);
}

void supervisor::terminate_all() noexcept {
  for (const auto& each : tasks_.workers()) {
    each->finishing = true;
    each->link->terminate();
  }
  kill_all_after(kill_after);
}

void supervisor::kill_all_after(deadline::clock::duration time) noexcept {
  if (kill_all_ == pool_clock::never) kill_all_ = of_.clock.now() + time;
}

}  // namespace ferry::detail
