// SPDX-License-Identifier: BSL-1.0
// Settling tasks, and closing what they held.
#include "pool/completions.hpp"

#include "os/event_handle.hpp"
#include "os/thread.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace ferry::detail {

void completions::add(const pool_task& task) noexcept {
  ++task.batch->unfinished;
  if (task.handles != 0) ++holding_;
}

void completions::has_been_split(const pool_task& one, const pool_task& other) noexcept {
  if (one.handles != 0 && other.handles != 0) ++holding_;
  ++other.batch->unfinished;
}

void completions::settle(task_list& of, task_list::iterator which, std::exception_ptr failure) noexcept {
  const std::shared_ptr<pool_task> task = *which;
  task->failure = std::move(failure);
  drop_later(task->items.handles());
  if (task->handles != 0) ++letting_go_;
  task->items = {};
  const std::shared_ptr<pool_batch> batch = std::move(task->batch);
  --batch->unfinished;
  if (batch->keeps_finished)
    batch->finished.splice(batch->finished.end(), of, which);
  else
    of.erase(which);
  // If the call has been dropped, its results go with the batch, but for their handles.
  if (const bool keeps = batch->keeps_finished; batch.use_count() == (keeps ? 1 : 2)) {
    if (!keeps) drop_later(task->answer);
    for (const auto& each : batch->finished) drop_later(each->answer);
  }
  if (batch->done()) keep_promises(*batch);
  turns_.changed();
}

void completions::seal(pool_batch& batch) {
  batch.sealed = true;
  if (!batch.done()) return;
  keep_promises(batch);
  turns_.changed();
}

void completions::keep_promises(pool_batch& batch) noexcept {
  if (batch.event.valid()) {
    --promised_;
    os::raise_event(batch.event);
  }
  if (batch.when_done.empty()) return;
  promised_ -= batch.when_done.size();
  callbacks_.splice(callbacks_.end(), batch.when_done);
  turns_.call_keeper();
}

handle_view completions::event_of(pool_batch& batch) {
  if (batch.event.valid()) return batch.event;
  batch.event = os::create_event_handle();
  if (batch.done())
    os::raise_event(batch.event);
  else
    ++promised_;
  return batch.event;
}

void completions::when_done(pool_batch& batch, std::function<void()> what) {
  batch.when_done.push_back(std::move(what));
  ++promised_;
  if (batch.done()) keep_promises(batch);
}

std::list<std::function<void()>> completions::take_callbacks() noexcept {
  return std::exchange(callbacks_, {});
}

void completions::drop_later(std::vector<unique_handle>& handles) noexcept {
  if (handles.empty()) return;
  try {
    dropped_.insert(dropped_.end(), std::make_move_iterator(handles.begin()),
                    std::make_move_iterator(handles.end()));
  } catch (const std::bad_alloc&) {
    // They are dropped at once.
  }
  handles.clear();
}

void completions::drop_later(received_record& answer) noexcept {
  answer.forbid_lingering();
  drop_later(answer.handles());
}

void completions::drop(std::unique_lock<std::mutex>& lock) {
  if (dropped_.empty() && ended_.empty() && letting_go_ == 0) return;
  const std::size_t done = std::exchange(letting_go_, 0);
  std::vector<unique_handle> handles = std::exchange(dropped_, {});
  worker_list ended = std::exchange(ended_, {});
  lock.unlock();
  handles.clear();
  if (std::any_of(ended.begin(), ended.end(), [](const auto& each) { return each->link->holds_handles(); }))
    drop_apart(std::move(ended));
  ended.clear();
  lock.lock();
  if (done == 0) return;
  holding_ -= done;
  ++let_go_;
  turns_.changed();
}

/// What a worker has sent and no one has taken may be such that closing it takes as long as the worker likes.
void completions::drop_apart(worker_list ended) noexcept {
  try {
    const auto held = std::make_shared<worker_list>(std::move(ended));
    os::start_thread([held] { held->clear(); }).detach();
  } catch (const std::exception&) {
    // No thread can be had: it is done here.
  }
}

}  // namespace ferry::detail
