// SPDX-License-Identifier: BSL-1.0
// What the keeper of a pool does: starting workers, burying dead ones, timeouts, calling back, and the end.
#include <ferry/archive.hpp>
#include <ferry/error.hpp>

#include "os/event_handle.hpp"
#include "os/handle_limit.hpp"
#include "os/thread.hpp"
#include "os/wait.hpp"
#include "pool/scheduler.hpp"
#include "pool/written_call.hpp"
#include "process/identity.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

namespace ferry::detail {
namespace {

using namespace std::chrono_literals;

/// How many workers in a row may end before they are ready. Then the pool ends, with what the last one threw.
constexpr std::size_t most_failed_starts = 3;
/// The same for those that the system refuses, for want of something that others may soon give back.
constexpr std::size_t most_refused_starts = 50;
/// And, for each worker of the pool, when they are ready but have begun nothing yet: it takes more of them,
/// since whoever kills idle workers may well kill all at once.
constexpr std::size_t most_idle_deaths = 10;
/// How many workers may die of making the same job or state. Then the tasks that need it fail.
constexpr std::size_t most_deaths_of_making = 3;
/// How long it takes after a failure to try again.
constexpr auto pause_after_failure = 100ms;
/// After how many workers that ended when they were to begin a task next it is given to no more.
constexpr std::size_t most_misses = 3;
/// How long a worker may take to begin a task with a timeout, which is as long as the timeout within these
/// bounds: one that is stopped never does, and one of a busy machine does a little later.
constexpr deadline::clock::duration least_time_to_begin = 1s, most_time_to_begin = 10s;
/// How many descriptors a worker takes here, about, and what is to be left for the program. A large pool
/// passes the usual limit, and raises it; a lower one was set by somebody who means it.
constexpr std::size_t handles_of_worker = 7, spare_handles = 64, usual_handles = 1024;
/// How long workers have between SIGTERM and SIGKILL.
constexpr auto kill_after = 2s;

std::uint64_t nanoseconds(deadline::clock::duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(time).count());
}

/// `count` times `time` after `from`, or the end of time.
deadline::clock::time_point after_times(deadline::clock::time_point from, deadline::clock::duration time,
                                        std::uint32_t count) {
  const auto most = (deadline::clock::time_point::max() - from) / std::max(count, 1U);
  return time < most ? from + time * count : deadline::clock::time_point::max();
}

}  // namespace

// --- the beginning -----------------------------------------------------------------------------------------

scheduler::scheduler(std::size_t workers, pool_options options, std::unique_ptr<const call> initializer)
    : options_(std::move(options)),
      initializer_(std::move(initializer)),
      wanted_(workers),
      packing_{.mode = options_.mode, .table = options_.table, .limit = options_.limit},
      engine_(options_.engine
                  ? options_.engine
                  : make_process_engine(options_.context ? *options_.context : take_default_context())),
      was_terminated_(
          std::make_exception_ptr(pool_closed("the pool was terminated before the task was done"))),
      was_destroyed_(
          std::make_exception_ptr(pool_closed("the pool was destroyed before the task was begun"))),
      was_cancelled_(std::make_exception_ptr(task_cancelled("the task was cancelled before it was begun"))) {}

std::shared_ptr<scheduler> scheduler::start(std::size_t workers, pool_options options,
                                            std::unique_ptr<const call> initializer) {
  const std::size_t handles = handles_of_worker * workers + spare_handles;
  if (handles > usual_handles) os::make_room_for_handles(handles);
  std::shared_ptr<scheduler> made(new scheduler(workers, std::move(options), std::move(initializer)));
  made->workers_.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) made->add(made->hire());
  try {
    // It holds on to the scheduler, which may be dropped by something that it calls.
    made->keeper_ = os::start_thread([made] { made->keep(); });
  } catch (const std::system_error& refused) {
    throw system_error(refused.code(), "start the thread that looks after a pool");
  }
  return made;
}

scheduler::~scheduler() = default;

std::unique_ptr<scheduler::worker> scheduler::hire() {
  worker_setup setup;
  setup.name = "worker-" + std::to_string(++hired_);
  setup.mode = options_.mode;
  setup.table = options_.table;
  setup.limit = options_.limit;
  setup.max_memory = options_.max_memory;
  if (initializer_) {
    const spawning_scope guarded_objects_may_cross;
    forking_oarchive archive("ferry.pool.initializer", packing_);
    write_call(archive, *initializer_);
    setup.initializer = archive.finish();
  }
  auto hired = std::make_unique<worker>();
  hired->link = engine_->start(std::move(setup), bell_);
  return hired;
}

void scheduler::add(std::unique_ptr<worker> who) {
  deaths_.add(handle_view(who->link->native_handle()));
  workers_.push_back(std::move(who));
}

// --- the keeper --------------------------------------------------------------------------------------------

void scheduler::keep() noexcept {
  lock_type lock(mutex_);
  while (!stopping_ || !workers_.empty() || !callbacks_.empty()) {
    try {
      keep_once(lock);
    } catch (const std::exception&) {
      // Memory or descriptors have run out: what was to be done is done a little later.
      if (lock.owns_lock()) lock.unlock();
      os::wait_any({}, deadline::after(pause_after_failure));
      lock.lock();
    }
  }
  ended_ = true;
}

void scheduler::look_after_workers(lock_type& lock) {
  bury_dead();
  kill_late();
  replace(lock);
}

void scheduler::keep_once(lock_type& lock) {
  keeper_called_ = false;
  look_after_workers(lock);
  send_forgotten();
  if (!leading_) {
    collect();
    place();
    even_out();
    finish_workers();
  }
  drop_what_is_left(lock);
  call_back(lock);
  if (keeper_called_ || (stopping_ && workers_.empty())) return;
  const bool leads = !leading_ && keeper_is_needed();
  if (leads && !listener_.call_keeper(heard_)) return;
  keeper_wakes_ = next_event();
  const deadline until = leads ? os::next_heartbeat(keeper_wakes_) : keeper_wakes_;
  std::array<os::awaited, 3> awaited{os::awaited{.handle = deaths_.handle()},
                                     os::awaited{.handle = bell_.event()},
                                     os::awaited{.handle = listener_.own_event()}};
  lock.unlock();
  os::wait_any(awaited, until);
  if (awaited[1].ready) os::clear_event(bell_.event());
  if (awaited[2].ready) os::clear_event(listener_.own_event());
  lock.lock();
  keeper_wakes_ = deadline::immediately();
}

/// What a worker is running, or will run next.
const pool_task* scheduler::running(const worker& who) noexcept {
  const auto found = std::find_if(who.sent.begin(), who.sent.end(), is_to_be_run);
  return found != who.sent.end() ? found->get() : nullptr;
}

/// When a worker will have taken too long for the task that it is at, or to begin the next one.
deadline scheduler::latest_end(worker& who) {
  const pool_task* const task = running(who);
  if (task == nullptr || who.timed_out) return deadline::never();
  const auto timeout = task->rules.timeout;
  if (timeout <= timeout.zero()) return deadline::never();
  const worker_progress at = who.link->progress();
  const auto now = deadline::clock::now();
  if (std::exchange(who.next_id, task->id) != task->id) {
    who.next_since = now;
    who.begun_since.reset();
  }
  who.was_ready |= at.ready;
  if (at.run == task->id && !who.begun_since) who.begun_since = now;
  if (who.begun_since) {
    // Whatever the worker says, all of its items together have no more than that.
    const auto latest = after_times(*who.begun_since, timeout, task->count);
    if (at.run != task->id) return deadline::at(latest);
    const std::uint64_t so_far = nanoseconds(now.time_since_epoch()) - at.begun_at;
    // It has begun a moment after it was looked at, or what it says makes no sense.
    if (static_cast<std::int64_t>(so_far) <= 0) return deadline::at(latest);
    const auto left = timeout - std::chrono::nanoseconds(so_far);
    return left > left.zero() ? deadline::at(std::min(latest, now + left)) : deadline::immediately();
  }
  // What it may be making before it begins: that takes what it takes, but where nothing has to be made.
  const bool makes_something = std::any_of(who.sent.begin(), who.sent.end(), [&](const auto& each) {
    return each->what == record_title::kind::make && each->id == at.run;
  });
  const bool takes_time = at.run != task->job->id() || !task->job->takes_no_time;
  if (!who.was_ready || (makes_something && takes_time)) return deadline::never();
  return deadline::at(who.next_since + std::clamp(timeout, least_time_to_begin, most_time_to_begin));
}

deadline scheduler::next_event() {
  deadline next = workers_.empty() ? deadline::never() : kill_all_;
  const auto at_most = [&next](deadline when) {
    if (when.remaining() < next.remaining()) next = when;
  };
  if (workers_.size() < wanted_ && !stopping_ && !broken_) at_most(next_hire_);
  for (const auto& each : workers_) {
    at_most(latest_end(*each));
    // It is to be recalled, and tells nobody when it can be.
    if (each->busy_since && !each->stuck) at_most(deadline::after(pause_for_taking));
    // It may begin at any moment, and tells nobody.
    if (const pool_task* const task = running(*each); task != nullptr && task->rules.timeout.count() > 0)
      at_most(deadline::after(task->rules.timeout));
  }
  return next;
}

void scheduler::kill_late() {
  if (!workers_.empty() && kill_all_.expired()) {
    kill_all_ = deadline::after(pause_after_failure);
    for (const auto& each : workers_) each->link->kill();
  }
  bool any_recalled = false;
  for (const auto& each : workers_) {
    any_recalled |= recall_stuck(*each);
    if (!latest_end(*each).expired()) continue;
    // What it answered meanwhile is taken: then it is at another task, and has its time.
    if (collect_from(*each)) continue;
    each->timed_out = true;
    each->link->kill();
  }
  if (!any_recalled) return;
  give_up_what_is_left();
  place(spreading::evenly);
}

/// Tries again to take back the tasks of a worker that was just taking one. Who is at that for too long has
/// been stopped in the middle, or holds the lock of its lane for ever: nobody waits for it.
/// @returns whether any came back
bool scheduler::recall_stuck(worker& who) noexcept {
  if (!who.busy_since || who.stuck) return false;
  if (take_back(who)) return true;
  if (!who.busy_since || deadline::clock::now() - *who.busy_since < most_time_to_take) return false;
  who.stuck = true;
  who.link->kill();
  return false;
}

// --- dead workers ------------------------------------------------------------------------------------------

void scheduler::bury_dead() {
  if (workers_.empty() || !os::wait_readable(deaths_.handle(), deadline::immediately())) return;
  bool any = false;
  for (auto at = workers_.begin(); at != workers_.end();) {
    const std::optional<worker_end> how = (*at)->link->ended();
    if (!how) {
      ++at;
      continue;
    }
    bury(**at, *how);
    deaths_.remove(handle_view((*at)->link->native_handle()));
    buried_.push_back(std::move(*at));
    at = workers_.erase(at);
    any = true;
  }
  if (!any) return;
  place();
  changed_.notify_all();
  if (leading_) listener_.wake_waiter();
}

/// Can be called again where an exception has ended it.
void scheduler::bury(worker& dead, const worker_end& how) {
  const worker_progress at = dead.link->progress();
  using cause = worker_died::cause;
  cause why = cause::lost;
  if (how.how == worker_end::kind::exited) why = cause::exited;
  if (how.how == worker_end::kind::killed) why = cause::killed;
  if (dead.timed_out) why = cause::timed_out;
  if (dead.misbehaved || dead.stuck) why = cause::misbehaved;
  const auto died_of = [&](std::size_t task) {
    return std::make_exception_ptr(worker_died(why, how.code, dead.link->pid(), task));
  };
  const std::exception_ptr died_at_no_task = how.thrown ? how.thrown : died_of(worker_died::no_task);
  const bool was_wanted = (!dead.finishing || dead.tasks != 0) && !terminated_;

  // What it had answered before it died has been answered; what it had not begun can be done by others; and
  // what is left is what it died of.
  if (dead.tasks != 0 && !dead.misbehaved) collect_from(dead);
  const bool had_more = !dead.misbehaved && take_back(dead);
  bool making = false, at_work = false;
  for (auto next = dead.sent.begin(); next != dead.sent.end();) {
    const auto each = next++;
    const pool_task& task = **each;
    making |= task.what == record_title::kind::make && task.id == at.run;
    if (!is_to_be_run(*each)) continue;
    at_work = true;
    const std::uint32_t item = at.run == task.id ? std::min(at.item, task.count - 1) : 0;
    fail_what_ran(dead, each, item, terminated_ ? was_terminated_ : died_of(task.first + item));
  }

  if (had_more && was_wanted && at.ready && !at_work && !making && ++waiting_.front()->misses == most_misses)
    settle(waiting_, waiting_.begin(), died_of(waiting_.front()->first));
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

/// What is to be run again, or could not be taken back before, where nobody will run it.
void scheduler::give_up_what_is_left() noexcept {
  if (broken_)
    give_up_waiting(broken_);
  else if (terminated_)
    give_up_waiting(was_terminated_);
  else if (stopping_)
    give_up_waiting(was_destroyed_);
}

void scheduler::fail_what_ran(worker& dead, task_list::iterator which, std::uint32_t item,
                              std::exception_ptr why) {
  pool_task& task = **which;
  if (task.deaths < task.rules.retries && !terminated_) {
    ++task.deaths;
    took_from(dead, task);
    waiting_.splice(waiting_.begin(), dead.sent, which);
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
    later.handles = later.items.handles.size();
    task.handles -= later.handles;
    if (task.handles != 0 && later.handles != 0) ++holding_;
    task.count = item + 1;
    ++later.batch->unfinished;
    waiting_.splice(waiting_.begin(), rest);
  }
  took_from(dead, task);
  settle(dead.sent, which, std::move(why));
}

void scheduler::died_making(std::uint64_t what, const std::exception_ptr& why) {
  const fixture* deadly = nullptr;
  for (const auto& task : waiting_)
    for (const fixture* needed : {task->job.get(), task->state.get()})
      if (needed != nullptr && needed->id() == what) deadly = needed;
  // Those that wait for it fail when they are to be given to a worker.
  if (deadly != nullptr && ++deadly->deaths >= most_deaths_of_making) deadly->failure = why;
}

void scheduler::died_idle(std::exception_ptr why) {
  if (++idle_deaths_ <= wanted_) return;
  next_hire_ = deadline::after(pause_after_failure);
  if (idle_deaths_ >= most_idle_deaths * wanted_) break_off(std::move(why));
}

void scheduler::failed_to_start(std::exception_ptr why, std::size_t most) {
  next_hire_ = deadline::after(pause_after_failure);
  if (++failed_starts_ >= most) break_off(std::move(why));
}

void scheduler::break_off(std::exception_ptr why) {
  broken_ = std::move(why);
  takes_no_more_ = true;
  give_up_waiting(broken_);
  for (const auto& each : workers_) finish(*each);
}

void scheduler::replace(lock_type& lock) {
  while (workers_.size() < wanted_ && !broken_ && !terminated_ && next_hire_.expired() &&
         (!closed_ || !waiting_.empty())) {
    std::unique_ptr<worker> hired;
    lock.unlock();
    try {
      hired = hire();
    } catch (...) {
      lock.lock();
      // Those that there are go on; only without any the pool is at its end.
      if (workers_.empty())
        failed_to_start(std::current_exception(), most_refused_starts);
      else
        next_hire_ = deadline::after(pause_after_failure);
      changed_.notify_all();
      listener_.wake_waiter();
      return;
    }
    lock.lock();
    add(std::move(hired));
    if (terminated_) workers_.back()->link->terminate();
    place();
    if (leading_) listener_.wake_waiter();
  }
}

// --- calling back ------------------------------------------------------------------------------------------

void scheduler::call_safely(const std::function<void()>& callback) noexcept {
  try {
    callback();
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "ferry: a callback of a task threw: %s\n", thrown.what());
  } catch (...) {
    std::fprintf(stderr, "ferry: a callback of a task threw something that is no std::exception\n");
  }
}

void scheduler::call_back(lock_type& lock) {
  if (callbacks_.empty()) return;
  std::list<std::function<void()>> due;
  due.swap(callbacks_);
  lock.unlock();
  os::with_faults_handled([&] {
    for (const std::function<void()>& each : due) call_safely(each);
  });
  due.clear();  // what they hold may be dropped here, too, and not under the lock
  lock.lock();
}

// --- the end -----------------------------------------------------------------------------------------------

void scheduler::finish_workers() {
  if (!closed_ || !waiting_.empty() || out_ != 0) return;
  for (const auto& each : workers_)
    if (!each->finishing) finish(*each);
}

void scheduler::close() {
  const lock_type lock = lock_here();
  closed_ = takes_no_more_ = true;
  finish_workers();
  call_keeper();
}

void scheduler::terminate() {
  lock_type lock = lock_here();
  closed_ = terminated_ = takes_no_more_ = true;
  give_up_waiting(was_terminated_);
  for (const auto& each : workers_) {
    each->finishing = true;
    each->link->terminate();
  }
  if (kill_all_.is_never()) kill_all_ = deadline::after(kill_after);
  call_keeper();
  drop_what_is_left(lock);
}

bool scheduler::join(deadline until) {
  locked([&] {
    if (!closed_ && !broken_)
      throw usage_error(
          "join() waits for the end of a pool, which comes after close() or terminate(): call one first");
  });
  return wait([&] { return workers_.empty(); }, until);
}

void scheduler::end() noexcept {
  try {
    locked([&] {
      closed_ = stopping_ = takes_no_more_ = true;
      give_up_waiting(was_destroyed_);
      finish_workers();
      call_keeper();
    });
    if (std::this_thread::get_id() == keeper_.get_id()) {
      // A callback has dropped the pool: the keeper itself goes on to its end afterwards.
      terminate();
      keeper_.detach();
      return;
    }
    wait([&] { return out_ == 0; }, deadline::after(options_.grace));
    if (locked([&] { return out_ != 0; })) terminate();
    locked([&] {
      finish_workers();
      if (kill_all_.is_never()) kill_all_ = deadline::after(kill_after);
      call_keeper();
    });
    keeper_.join();
  } catch (const std::exception&) {
    // Without memory for that: the processes end with this one.
    if (keeper_.joinable()) keeper_.detach();
  }
}

bool scheduler::is_copy() const noexcept {
  return made_in_.is_copy();
}

std::vector<std::int64_t> scheduler::pids() {
  const lock_type lock = lock_here();
  std::vector<std::int64_t> found;
  for (const auto& each : workers_) found.push_back(each->link->pid());
  return found;
}

}  // namespace ferry::detail
