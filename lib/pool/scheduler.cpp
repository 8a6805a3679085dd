// SPDX-License-Identifier: BSL-1.0
// What callers ask of a pool, and what its own thread does.
#include "pool/scheduler.hpp"

#include <ferry/error.hpp>

#include "os/handle_limit.hpp"
#include "os/thread.hpp"
#include "os/wait.hpp"
#include "process/identity.hpp"

#include <cstdio>
#include <list>
#include <string>
#include <system_error>
#include <utility>

namespace ferry::detail {
namespace {

/// How many descriptors a worker takes here, about, and what is to be left for the program. A large pool
/// passes the usual limit, and raises it; a lower one was set on purpose.
constexpr std::size_t handles_of_worker = 7, spare_handles = 64, usual_handles = 1024;

void call_safely(const std::function<void()>& callback) noexcept {
  try {
    callback();
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "ferry: a callback of a task threw: %s\n", thrown.what());
  } catch (...) {
    std::fprintf(stderr, "ferry: a callback of a task threw something that is no std::exception\n");
  }
}

}  // namespace

// --- the beginning -----------------------------------------------------------------------------------------

scheduler::scheduler(std::size_t workers, pool_options options, std::unique_ptr<const call> initializer)
    : options_(std::move(options)),
      initializer_(std::move(initializer)),
      packing_(options_of_archives(options_)),
      engine_(options_.engine
                  ? options_.engine
                  : make_process_engine(options_.context ? *options_.context : take_default_context())),
      dispatcher_(parts_, packing_.limit, options_.max_tasks_per_worker),
      supervisor_(workers, options_, *engine_, initializer_.get(), packing_, parts_, dispatcher_, phase_) {}

std::shared_ptr<scheduler> scheduler::start(std::size_t workers, pool_options options,
                                            std::unique_ptr<const call> initializer) {
  const std::size_t handles = handles_of_worker * workers + spare_handles;
  if (handles > usual_handles) os::make_room_for_handles(handles);
  std::shared_ptr<scheduler> made(new scheduler(workers, std::move(options), std::move(initializer)));
  made->supervisor_.start_all();
  try {
    // It holds on to the scheduler, which may be dropped by something that it calls.
    made->keeper_ = os::start_thread([made] { made->keep(); });
  } catch (const std::system_error& refused) {
    throw system_error(refused.code(), "start the thread that looks after a pool");
  }
  return made;
}

scheduler::~scheduler() = default;

scheduler::lock_type scheduler::lock_here() {
  if (is_copy())  // where another thread may have held the lock, which nothing would ever give back
    throw usage_error(
        "this is a forked copy of the process that made the pool, and the workers answer to that one alone: "
        "make a pool of its own in the child");
  return lock_type(mutex_);
}

// --- jobs and states ---------------------------------------------------------------------------------------

fixture::~fixture() {
  if (const auto owner = owner_.lock()) owner->forget(*this);
}

std::shared_ptr<const fixture> scheduler::known_fixture(const callable& target) {
  struct stateless final : call {
    explicit stateless(const callable& which) : which_(which) {}
    const callable& target() const override { return which_; }
    void write(forking_oarchive&) const override {}
    const callable& which_;
  };
  if (auto known = locked([&] { return jobs_.known(target); })) return known;
  auto made = new_fixture(stateless(target));
  made->takes_no_time = true;
  return locked([&] { return jobs_.keep(target, std::move(made)); });
}

std::shared_ptr<const fixture> scheduler::new_fixture(const call& what) {
  const std::uint64_t id = locked([&] { return jobs_.new_id(); });
  return std::make_shared<const fixture>(weak_from_this(), id, installed_jobs::record_of(what, id, packing_));
}

void scheduler::forget(const fixture& what) noexcept {
  if (is_copy()) return;
  if (jobs_.forget(what.id()) && !what.made().handles().empty()) turns_.call_keeper_without_lock();
}

// --- tasks -------------------------------------------------------------------------------------------------

void scheduler::check() {
  if (is_copy() || phase_.takes_no_more()) locked([&] { phase_.check_open(); });
}

/// @throws transfer_error  when the task has handles, and workers that cannot get any
void scheduler::check_carriage(const pool_task& task) const {
  if (engine_->carries_handles()) return;
  const auto refuse = [this](const char* what, std::size_t handles) {
    if (handles != 0)
      throw transfer_error(std::string(what) + " has " + std::to_string(handles) +
                           " handles, and workers that are " + std::string(engine_->name()) +
                           " cannot get any: send what they stand for as bytes, or use make_process_engine");
  };
  refuse("a task", task.handles);
  refuse("the callable of a task", task.job->made().handles().size());
  if (task.state) refuse("the state of a task", task.state->made().handles().size());
}

void scheduler::submit(std::shared_ptr<pool_task> task, bool comes_back) {
  lock_type lock;
  try {
    lock = lock_here();
    phase_.check_open();
    check_carriage(*task);
    dispatcher_.add(task);
  } catch (...) {
    task->batch.reset();  // of a single call it is what holds the task
    throw;
  }
  dispatcher_.place();
  if (!turns_.somebody_leads() && !comes_back) call_keeper_if_needed();
  completions_.drop(lock);
}

bool scheduler::wait_for_handles() {
  const std::uint64_t before = locked([&] { return completions_.let_go(); });
  bool any = false;
  const auto ready = [&] {
    any = completions_.let_go() != before;
    return any || completions_.holding() == 0;
  };
  return wait(ready, deadline::never()) && any;
}

void scheduler::seal(pool_batch& batch) {
  locked([&] { completions_.seal(batch); });
}

std::size_t scheduler::cancel(pool_batch& batch) {
  if (is_copy()) return 0;
  lock_type lock = lock_here();
  // A worker that is just taking one may be about to begin others too, if they are not taken back then.
  const deadline patience = deadline::after(dispatcher::most_time_to_take);
  while (dispatcher_.take_back(batch) && !patience.expired()) {
    lock.unlock();
    os::wait_any({}, deadline::after(dispatcher::pause_for_taking));
    lock.lock();
  }
  const std::size_t count = dispatcher_.give_up(batch, phase_.was_cancelled);
  dispatcher_.place();
  if (!turns_.somebody_leads()) call_keeper_if_needed();
  completions_.drop(lock);
  return count;
}

handle_view scheduler::handle_of(pool_batch& batch) {
  const lock_type lock = lock_here();
  const handle_view event = completions_.event_of(batch);
  // Who waits for it does not look after the workers.
  if (!turns_.somebody_leads()) call_keeper_if_needed();
  return event;
}

void scheduler::when_done(pool_batch& batch, std::function<void()> what) {
  lock_type lock = lock_here();
  if (phase_.ended() && batch.done()) {  // there is no keeper any more
    lock.unlock();
    call_safely(what);
    return;
  }
  completions_.when_done(batch, std::move(what));
  if (!turns_.somebody_leads()) call_keeper_if_needed();
}

bool scheduler::wait(const std::function<bool()>& ready, deadline until, const pool_batch* comes_back_for) {
  lock_type lock = lock_here();
  const auto comes_back = [&] {
    return comes_back_for != nullptr && !comes_back_for->done() && !dispatcher_.any_waiting() &&
           !completions_.any_promised();
  };
  return turns_.wait(lock, ready, until, comes_back, is_keeper());
}

// --- what the one whose turn it is does --------------------------------------------------------------------

bool scheduler::look(lock_type& lock) {
  const bool any = dispatcher_.collect();
  dispatcher_.place();
  completions_.drop(lock);
  return any;
}

bool scheduler::look_closer() {
  if (dispatcher_.even_out()) return true;
  supervisor_.finish_all();
  return false;
}

void scheduler::look_after_workers(lock_type& lock) {
  supervisor_.reap_ended();
  supervisor_.kill_late();
  supervisor_.replace(lock);
}

void scheduler::call_keeper_if_needed() noexcept {
  if (dispatcher_.waits_for_no_answer() || (dispatcher_.has_to_be_looked_after() && !turns_.keeper_listens()))
    turns_.call_keeper();
}

// --- the keeper --------------------------------------------------------------------------------------------

void scheduler::keep() noexcept {
  lock_type lock(mutex_);
  while (!phase_.stopping() || !dispatcher_.workers().empty() || completions_.any_callbacks()) {
    try {
      keep_once(lock);
    } catch (const std::exception&) {
      // Memory or descriptors have run out: what was to be done is done a little later.
      if (lock.owns_lock()) lock.unlock();
      os::wait_any({}, deadline::after(supervisor::pause_after_failure));
      lock.lock();
    }
  }
  phase_.end();
}

void scheduler::keep_once(lock_type& lock) {
  turns_.keeper_begins();
  look_after_workers(lock);
  jobs_.send_forgotten(dispatcher_.workers());
  if (!turns_.somebody_leads()) {
    look(lock);
    look_closer();
  }
  completions_.drop(lock);
  call_back(lock);
  if (turns_.keeper_was_called() || (phase_.stopping() && dispatcher_.workers().empty())) return;
  const bool leads = !turns_.somebody_leads() && dispatcher_.has_to_be_looked_after();
  if (leads && !turns_.keeper_listens()) {
    // Others get the lock, also when a worker rings without end.
    lock.unlock();
    std::this_thread::yield();
    lock.lock();
    return;
  }
  turns_.keeper_sleeps(lock, supervisor_.deaths(), supervisor_.next_event(), leads);
}

void scheduler::call_back(lock_type& lock) {
  if (!completions_.any_callbacks()) return;
  std::list<std::function<void()>> due = completions_.take_callbacks();
  lock.unlock();
  os::with_faults_handled([&] {
    for (const std::function<void()>& each : due) call_safely(each);
  });
  due.clear();  // what they hold may be dropped here, too, and not under the lock
  lock.lock();
}

// --- the end -----------------------------------------------------------------------------------------------

void scheduler::close() {
  locked([&] {
    phase_.close();
    supervisor_.finish_all();
    turns_.call_keeper();
  });
}

void scheduler::terminate() {
  lock_type lock = lock_here();
  phase_.terminate();
  dispatcher_.give_up_all(phase_.was_terminated);
  supervisor_.terminate_all();
  turns_.call_keeper();
  completions_.drop(lock);
}

bool scheduler::join(deadline until) {
  locked([&] {
    if (!phase_.closed() && !phase_.broken())
      throw usage_error(
          "join() waits for the end of a pool, which comes after close() or terminate(): call one first");
  });
  return wait([&] { return dispatcher_.workers().empty(); }, until);
}

void scheduler::end() noexcept {
  try {
    locked([&] {
      phase_.stop();
      dispatcher_.give_up_all(phase_.was_destroyed);
      supervisor_.finish_all();
      turns_.call_keeper();
    });
    if (is_keeper()) {
      // A callback has dropped the pool: the keeper itself goes on to its end afterwards.
      terminate();
      keeper_.detach();
      return;
    }
    wait([&] { return dispatcher_.out() == 0; }, deadline::after(options_.grace));
    if (locked([&] { return dispatcher_.out() != 0; })) terminate();
    locked([&] {
      supervisor_.finish_all();
      supervisor_.kill_all_after(supervisor::kill_after);
      turns_.call_keeper();
    });
    keeper_.join();
  } catch (const std::exception&) {
    // Without memory for that: the processes end with this one.
    if (keeper_.joinable()) keeper_.detach();
  }
}

std::vector<std::int64_t> scheduler::pids() {
  const lock_type lock = lock_here();
  std::vector<std::int64_t> found;
  for (const auto& each : dispatcher_.workers()) found.push_back(each->link->pid());
  return found;
}

}  // namespace ferry::detail
