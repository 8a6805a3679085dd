// SPDX-License-Identifier: BSL-1.0
// Giving tasks to workers, taking their answers, and waiting for them.
#include "pool/scheduler.hpp"

#include <ferry/error.hpp>

#include "os/event_handle.hpp"
#include "os/thread.hpp"
#include "os/wait.hpp"
#include "pool/written_call.hpp"

#include <gsl/util>

#include <algorithm>
#include <chrono>
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

scheduler::lock_type scheduler::lock_here() {
  if (is_copy())  // where another thread may have held the lock, and nobody would ever give it back
    throw usage_error(
        "this is a forked copy of the process that made the pool, and the workers answer to that one alone: "
        "make a pool of its own in the child");
  return lock_type(mutex_);
}

// --- jobs and states ---------------------------------------------------------------------------------------

fixture::~fixture() {
  const auto owner = owner_.lock();
  if (!owner) return;
  using when = scheduler::forgetting;
  owner->forget(id_, made_.handles.empty() ? when::with_the_next_call : when::soon);
}

std::shared_ptr<const fixture> scheduler::known_fixture(const callable& target) {
  struct stateless final : call {
    explicit stateless(const callable& which) : which_(which) {}
    const callable& target() const override { return which_; }
    void write(forking_oarchive&) const override {}
    const callable& which_;
  };
  {
    const lock_type lock = lock_here();
    if (const auto found = known_.find(&target); found != known_.end()) return found->second;
  }
  auto made = new_fixture(stateless(target));
  made->takes_no_time = true;
  const lock_type lock = lock_here();
  return known_.emplace(&target, std::move(made)).first->second;
}

std::shared_ptr<const fixture> scheduler::new_fixture(const call& what) {
  const std::uint64_t id = locked([&] { return ++last_id_; });
  pool_record made(record_title{.what = record_title::kind::make, .count = 1, .id = id});
  made.append(packing_, item_head::given, [&](forking_oarchive& archive) { write_call(archive, what); });
  return std::make_shared<const fixture>(weak_from_this(), id, std::move(made));
}

void scheduler::forget(std::uint64_t fixture, forgetting when) noexcept {
  if (is_copy()) return;
  try {
    const std::lock_guard lock(forgotten_mutex_);
    forgotten_.push_back(fixture);
    any_forgotten_ = true;
    if (when == forgetting::soon) listener_.wake_keeper();
  } catch (const std::bad_alloc&) {
    // The workers keep it, then, until they end.
  }
}

void scheduler::send_forgotten() noexcept {
  if (!any_forgotten_) return;
  std::vector<std::uint64_t> which;
  {
    const std::lock_guard lock(forgotten_mutex_);
    which.swap(forgotten_);
    any_forgotten_ = false;
  }
  for (const std::uint64_t id : which)
    for (const auto& each : workers_) {
      if (each->finishing || each->knows.erase(id) == 0) continue;
      try {
        task_list sent = listed(record_title::kind::forget, id);
        const pool_record record(record_title{.what = record_title::kind::forget, .id = id});
        if (each->link->send(record.bytes.bytes(), {})) each->sent.splice(each->sent.end(), sent);
      } catch (const std::exception&) {
        // It keeps it until it ends.
      }
    }
}

task_list scheduler::listed(record_title::kind what, std::uint64_t id) {
  task_list one(1, std::make_shared<pool_task>());
  one.front()->what = what;
  one.front()->id = id;
  return one;
}

// --- tasks in ----------------------------------------------------------------------------------------------

void scheduler::check_open() const {
  if (broken_) std::rethrow_exception(broken_);
  if (closed_) throw pool_closed("the pool takes no more tasks: it has been closed or terminated");
}

void scheduler::check() {
  if (is_copy() || takes_no_more_.load(std::memory_order_acquire)) locked([&] { check_open(); });
}

void scheduler::submit(std::shared_ptr<pool_task> task, bool comes_back) {
  lock_type lock;
  try {
    lock = lock_here();
    check_open();
    waiting_.push_back(task);
  } catch (...) {
    task->batch.reset();  // of a single call it is what holds the task
    throw;
  }
  ++task->batch->unfinished;
  if (task->handles != 0) ++holding_;
  place();
  if (!leading_ && !comes_back) call_keeper_if_needed();
  drop_what_is_left(lock);
}

bool scheduler::wait_for_handles() {
  const std::uint64_t before = locked([&] { return let_go_; });
  bool any = false;
  return wait(
             [&] {
               any = let_go_ != before;
               return any || holding_ == 0;
             },
             deadline::never()) &&
         any;
}

void scheduler::seal(pool_batch& batch) {
  const lock_type lock = lock_here();
  batch.sealed = true;
  if (!batch.done()) return;
  promise_kept(batch);
  if (following_ != 0) changed_.notify_all();
}

void scheduler::place(spreading how) {
  send_forgotten();
  // A worker that takes no more, as one can make its pool believe, is no reason why others should not.
  ++round_;
  while (!waiting_.empty()) {
    worker* const to = find_place(*waiting_.front(), how);
    if (to == nullptr) return;
    if (!give_first(*to)) to->refused_in = round_;
  }
}

scheduler::worker* scheduler::find_place(const pool_task& task, spreading how) {
  // Handles are not taken back, so they are sent to those alone who take them at once.
  const bool may_wait = task.items.handles.empty();
  const std::uint64_t time = estimate(task);
  worker* best = nullptr;
  for (const auto& each : workers_) {
    if (each->finishing || each->timed_out || each->misbehaved || each->unreadable || each->busy_since ||
        each->refused_in == round_)
      continue;
    if (each->tasks != 0) {
      if (!may_wait || each->tasks >= most_tasks_ahead ||
          each->bytes + task.items.bytes.size() > most_bytes_ahead)
        continue;
      if (how == spreading::as_needed && each->nanoseconds + time < wake_up_nanoseconds) return each.get();
    }
    if (best == nullptr || each->tasks < best->tasks) best = each.get();
  }
  return best;
}

/// Gives a worker the first task that waits, or settles that if it cannot be given to any.
/// @returns false when this worker has no room, or has ended: the task waits on
bool scheduler::give_first(worker& to) {
  const std::shared_ptr<pool_task> task = waiting_.front();
  try {
    if (!teach(to, *task->job) || (task->state && !teach(to, *task->state))) return false;
    record_title title = task->items.title();  // whoever made it knows the form of its items
    title.what = record_title::kind::run;
    title.count = task->count;
    title.id = ++last_id_;
    title.job = task->job->id();
    title.state = task->state ? task->state->id() : 0;
    title.timed = task->rules.timeout > task->rules.timeout.zero() ? 1 : 0;
    task->items.set_title(title);
    if (!to.link->send(task->items.bytes.bytes(), task->items.handles)) return false;
    task->id = title.id;
    task->nanoseconds = estimate(*task);
  } catch (const end_of_stream&) {
    // It has died, or it is of no use and does now. The task waits until that has been seen.
    to.link->kill();
    return false;
  } catch (...) {
    settle(waiting_, waiting_.begin(), std::current_exception());
    return true;
  }
  to.sent.splice(to.sent.end(), waiting_, waiting_.begin());
  ++to.tasks;
  to.bytes += task->items.bytes.size();
  to.nanoseconds += task->nanoseconds;
  ++out_;
  if (++to.given == options_.max_tasks_per_worker) finish(to);
  if (task->rules.timeout > task->rules.timeout.zero() &&
      deadline::after(task->rules.timeout).remaining() < keeper_wakes_.remaining())
    call_keeper();
  return true;
}

bool scheduler::teach(worker& to, const fixture& what) {
  if (to.knows.contains(what.id())) return true;
  if (what.failure) std::rethrow_exception(what.failure);
  task_list sent = listed(record_title::kind::make, what.id());
  if (!to.link->send(what.made().bytes.bytes(), what.made().handles)) return false;
  to.sent.splice(to.sent.end(), sent);
  to.knows.insert(what.id());
  return true;
}

void scheduler::finish(worker& who) noexcept {
  who.finishing = true;
  try {
    who.link->finish();
  } catch (const error&) {  // its memory makes no sense any more: that will be seen where it is read
  }
}

// --- answers out -------------------------------------------------------------------------------------------

bool scheduler::collect() {
  heard_ = listener_.count();
  bool any = false;
  for (const auto& each : workers_)
    if (each->tasks != 0) any |= collect_from(*each);
  return any;
}

bool scheduler::collect_from(worker& from) {
  if (from.unreadable) return false;
  for (bool any = false;; any = true) {
    received_record answer;
    std::exception_ptr problem;
    try {
      if (!from.link->receive(answer, largest_answer(from))) return any;
    } catch (const std::bad_alloc&) {
      if (answer.bytes.size() < sizeof(record_title)) throw;  // it can be taken later
      problem = std::current_exception();
    } catch (const system_error&) {
      problem = std::current_exception();
      if (answer.bytes.size() < sizeof(record_title)) {
        cannot_read(from, problem);
        return true;
      }
    } catch (const error&) {
      drop_later(answer);
      misbehaves(from);
      return any;
    }
    // What came without all that belongs to it, for want of memory or descriptors, is told to who waits.
    if (!answered(from, answer, problem)) {
      drop_later(answer);
      misbehaves(from);
      return any;
    }
  }
}

/// What the next answer of a worker may have: so much for each item, or nothing when none is due.
limits scheduler::largest_answer(const worker& from) const noexcept {
  const auto next = std::find_if(from.sent.begin(), from.sent.end(), is_to_be_run);
  limits most{.bytes = 0, .depth = 0, .objects = 0, .handles = 0};
  if (next == from.sent.end()) return most;
  const auto times = [count = std::size_t{(*next)->count}](std::size_t each, std::size_t more) {
    constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
    return each > all / count - more ? all : (each + more) * count;
  };
  // No process has more descriptors than that, by the default of the system.
  const std::size_t uses = std::min(packing_.limit.handles, std::size_t{1} << 20U) * sizeof(handle_use);
  most.bytes = times(packing_.limit.bytes, sizeof(item_head) + sizeof(record_title) + uses);
  most.handles = times(packing_.limit.handles, 0);
  return most;
}

/// The next answer of a worker will never be read here, nor what comes behind it.
void scheduler::cannot_read(worker& from, const std::exception_ptr& why) {
  from.unreadable = true;
  from.link->kill();
  const auto next = std::find_if(from.sent.begin(), from.sent.end(), is_to_be_run);
  if (next == from.sent.end()) return;
  took_from(from, **next);
  settle(from.sent, next, why);
}

bool scheduler::answered(worker& from, received_record& answer, std::exception_ptr failure) {
  if (answer.bytes.size() < sizeof(record_title)) return false;
  const record_title title = answer.title();
  while (!from.sent.empty() && from.sent.front()->what != record_title::kind::run) from.sent.pop_front();
  if (from.sent.empty()) return false;
  const std::shared_ptr<pool_task> task = from.sent.front();
  if (task->id != title.id || task->count != title.count) return false;
  idle_deaths_ = 0;
  from.was_ready = true;  // whatever it will say of that
  task->job->deaths = 0;
  if (task->state) task->state->deaths = 0;
  took_from(from, *task);
  task->batch->items_answered += title.count;
  task->batch->nanoseconds += std::min(title.nanoseconds, std::uint64_t{1} << 40U);
  task->answer = std::move(answer);
  settle(from.sent, from.sent.begin(), std::move(failure));
  return true;
}

void scheduler::took_from(worker& from, const pool_task& task) noexcept {
  --from.tasks;
  from.bytes -= task.items.bytes.size();
  from.nanoseconds -= task.nanoseconds;
  --out_;
}

void scheduler::misbehaves(worker& who) noexcept {
  who.misbehaved = true;
  who.link->kill();
}

void scheduler::drop_later(std::vector<unique_handle>& handles) noexcept {
  if (handles.empty()) return;
  try {
    dropped_.insert(dropped_.end(), std::make_move_iterator(handles.begin()),
                    std::make_move_iterator(handles.end()));
  } catch (const std::bad_alloc&) {
    // They are dropped at once.
  }
  handles.clear();
}

void scheduler::drop_later(received_record& answer) noexcept {
  answer.forbid_lingering();
  drop_later(answer.handles);
}

void scheduler::drop_what_is_left(lock_type& lock) {
  if (dropped_.empty() && buried_.empty() && letting_go_ == 0) return;
  const std::size_t done = std::exchange(letting_go_, 0);
  std::vector<unique_handle> handles = std::exchange(dropped_, {});
  worker_list buried = std::exchange(buried_, {});
  lock.unlock();
  handles.clear();
  if (std::any_of(buried.begin(), buried.end(), [](const auto& each) { return each->link->holds_handles(); }))
    drop_apart(std::move(buried));
  buried.clear();
  lock.lock();
  if (done == 0) return;
  holding_ -= done;
  ++let_go_;
  if (following_ != 0) changed_.notify_all();
}

/// What a worker has sent and nobody has taken may be such that closing it takes as long as the worker likes.
void scheduler::drop_apart(worker_list buried) noexcept {
  try {
    const auto held = std::make_shared<worker_list>(std::move(buried));
    os::start_thread([held] { held->clear(); }).detach();
  } catch (const std::exception&) {
    // No thread can be had: it is done here.
  }
}

void scheduler::settle(task_list& of, task_list::iterator which, std::exception_ptr failure) noexcept {
  const std::shared_ptr<pool_task> task = *which;
  task->failure = std::move(failure);
  drop_later(task->items.handles);
  if (task->handles != 0) ++letting_go_;
  task->items = {};
  const std::shared_ptr<pool_batch> batch = std::move(task->batch);
  --batch->unfinished;
  if (batch->keeps_finished)
    batch->finished.splice(batch->finished.end(), of, which);
  else
    of.erase(which);
  // Nobody wants the results any more: they go with the batch, but for their handles.
  if (const bool keeps = batch->keeps_finished; batch.use_count() == (keeps ? 1 : 2)) {
    if (!keeps) drop_later(task->answer);
    for (const auto& each : batch->finished) drop_later(each->answer);
  }
  if (batch->done()) promise_kept(*batch);
  if (following_ != 0) changed_.notify_all();
}

void scheduler::promise_kept(pool_batch& batch) noexcept {
  if (batch.event.valid()) {
    --callbacks_promised_;
    os::raise_event(batch.event);
  }
  if (batch.when_done.empty()) return;
  callbacks_promised_ -= batch.when_done.size();
  callbacks_.splice(callbacks_.end(), batch.when_done);
  call_keeper();
}

handle_view scheduler::handle_of(pool_batch& batch) {
  const lock_type lock = lock_here();
  if (batch.event.valid()) return batch.event;
  batch.event = os::create_event_handle();
  if (batch.done()) {
    os::raise_event(batch.event);
    return batch.event;
  }
  // Whoever waits for it does not look after the workers.
  ++callbacks_promised_;
  if (!leading_) call_keeper_if_needed();
  return batch.event;
}

void scheduler::when_done(pool_batch& batch, std::function<void()> what) {
  lock_type lock = lock_here();
  if (ended_ && batch.done()) {  // there is no keeper any more
    lock.unlock();
    call_safely(what);
    return;
  }
  batch.when_done.push_back(std::move(what));
  ++callbacks_promised_;
  if (batch.done())
    promise_kept(batch);
  else if (!leading_)
    call_keeper_if_needed();
}

// --- taking back -------------------------------------------------------------------------------------------

bool scheduler::is_uneven() const noexcept {
  if (!waiting_.empty()) return false;
  bool some_idle = false, some_ahead = false;
  for (const auto& each : workers_) {
    some_idle |= each->tasks == 0 && !each->finishing;
    some_ahead |= each->tasks > 1;
  }
  return some_idle && some_ahead;
}

bool scheduler::even_out() {
  if (!is_uneven()) return false;
  const auto most = std::max_element(workers_.begin(), workers_.end(),
                                     [](const auto& a, const auto& b) { return a->tasks < b->tasks; });
  take_back(**most);
  if (waiting_.empty()) return false;
  place(spreading::evenly);
  return true;
}

void scheduler::still_knows(worker& who, std::uint64_t fixture) noexcept {
  try {
    who.knows.insert(fixture);
    forget(fixture);
  } catch (const std::bad_alloc&) {
    // It keeps it until it ends.
  }
}

/// @returns whether there was any task among what it had not begun
bool scheduler::take_back(worker& from) noexcept {
  const std::size_t waited = waiting_.size();
  std::size_t count = 0;
  try {
    const std::optional<std::size_t> recalled = from.link->recall(from.sent.size());
    if (!recalled) {
      // The keeper tries again.
      if (!from.busy_since) from.busy_since = deadline::clock::now();
      call_keeper();
      return false;
    }
    count = std::min(*recalled, from.sent.size());
    from.busy_since.reset();
  } catch (const error&) {
    misbehaves(from);
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
    from.knows.erase(last.id);
    if (last.what == record_title::kind::forget) still_knows(from, last.id);
    from.sent.pop_back();
  }
  return waiting_.size() != waited;
}

std::size_t scheduler::cancel(pool_batch& batch) {
  if (is_copy()) return 0;
  lock_type lock = lock_here();
  // A worker that is just taking one may be about to begin others too, if they are not taken back then.
  for (const deadline patience = deadline::after(most_time_to_take);;) {
    bool any_busy = false;
    for (const auto& each : workers_) {
      const auto concerns = [&](const auto& task) { return task->batch.get() == &batch; };
      if (!std::any_of(each->sent.begin(), each->sent.end(), concerns)) continue;
      take_back(*each);
      any_busy |= each->busy_since && !each->stuck;
    }
    if (!any_busy || patience.expired()) break;
    lock.unlock();
    os::wait_any({}, deadline::after(pause_for_taking));
    lock.lock();
  }
  std::size_t count = 0;
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto each = at++;
    if ((*each)->batch.get() != &batch) continue;
    settle(waiting_, each, was_cancelled_);
    ++count;
  }
  place();
  if (!leading_) call_keeper_if_needed();
  drop_what_is_left(lock);
  return count;
}

void scheduler::give_up_waiting(const std::exception_ptr& why) noexcept {
  for (const auto& each : workers_) take_back(*each);
  while (!waiting_.empty()) settle(waiting_, waiting_.begin(), why);
}

// --- waiting -----------------------------------------------------------------------------------------------

bool scheduler::wait(const std::function<bool()>& ready, deadline until, const pool_batch* comes_back_for) {
  lock_type lock = lock_here();
  bool led = false, found = ready();
  const auto leave = gsl::finally([&] {
    if (leading_ || (!led && following_ == 0)) return;
    if (following_ != 0)
      changed_.notify_all();  // one of them leads from here on
    else if (comes_back_for == nullptr || comes_back_for->done() || !waiting_.empty() ||
             callbacks_promised_ != 0)
      call_keeper_if_needed();
  });
  // In a callback that waits: nobody else looks after the workers meanwhile.
  const bool is_keeper = std::this_thread::get_id() == keeper_.get_id();
  while (!found) {
    if (is_keeper) look_after_workers(lock);
    if (!leading_) {
      led = true;
      lead(lock, until);
    } else if (!until.expired()) {
      ++following_;
      const deadline wakes = is_keeper ? os::next_heartbeat(until) : until;
      if (wakes.is_never())
        changed_.wait(lock);
      else
        changed_.wait_until(lock, deadline::clock::now() + wakes.remaining());
      --following_;
    }
    found = ready();
    if (until.expired()) break;
  }
  return found;
}

void scheduler::lead(lock_type& lock, deadline until) {
  leading_ = true;
  const auto leave = gsl::finally([&] {
    if (!lock.owns_lock()) lock.lock();
    leading_ = false;
  });
  listener_.ignore();
  const bool any = collect();
  place();
  drop_what_is_left(lock);
  if (any || until.expired()) return;
  const std::uint32_t heard = heard_;
  lock.unlock();
  const bool rang = listener_.spin(heard);
  lock.lock();
  if (rang || even_out()) return;
  finish_workers();
  lock.unlock();
  listener_.sleep(heard, until);
}

void scheduler::call_keeper() noexcept {
  if (std::exchange(keeper_called_, true)) return;
  listener_.wake_keeper();
}

/// Tasks wait for room that no answer makes: that for handles in flight, which others use up.
bool scheduler::nobody_will_ring() const noexcept {
  return out_ == 0 && !waiting_.empty() && !workers_.empty();
}

bool scheduler::keeper_is_needed() const noexcept {
  if (nobody_will_ring()) return true;
  return out_ != 0 &&
         (!waiting_.empty() || callbacks_promised_ != 0 ||
          std::any_of(workers_.begin(), workers_.end(), [](const auto& each) { return each->tasks > 1; }));
}

void scheduler::call_keeper_if_needed() noexcept {
  if (nobody_will_ring() || (keeper_is_needed() && !listener_.call_keeper(heard_))) call_keeper();
}

}  // namespace ferry::detail
