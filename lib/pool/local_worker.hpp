// SPDX-License-Identifier: BSL-1.0
// A worker on the same machine, from either end: records go one way through a queue, answers the other.
#pragma once

#include <ferry/engine.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include "queue/item_handles.hpp"
#include "queue/record_queue.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace ferry::detail {

/// What a worker needs to open its end.
struct worker_handles {
  unique_handle tasks, answers, handles, bell_memory, bell_event;
};

/// The pool's end. Neither side trusts the other: what the worker writes to the memory makes it unusable at
/// worst, and nothing waits for what it does.
class local_worker : public worker_link {
 public:
  /// @throws system_error  when memory or descriptors have run out; it takes four, one of them the worker's
  local_worker();

  /// Duplicates of all that the worker is given.
  worker_handles handles_for_worker(const doorbell& bell) const;
  /// To be called when the worker has its own: its end of the socket is closed here.
  void worker_has_handles() noexcept { workers_handles_.reset(); }
  /// To be called before what it has not begun is recalled.
  void worker_has_ended() noexcept { tasks_.items().taker_has_ended(); }

  bool send(const message_view& record) override;
  std::optional<std::size_t> recall(std::size_t most) override { return tasks_.recall(most); }
  void finish() override;
  bool receive(message& into, const limits& most) override;
  bool holds_handles() const noexcept override;
  worker_progress progress() const noexcept override;

 private:
  explicit local_worker(std::pair<unique_handle, unique_handle> sockets);

  std::shared_ptr<item_handles> handles_;
  unique_handle workers_handles_;
  record_queue tasks_, answers_;
};

/// The worker's end.
class local_worker_endpoint final : public worker_endpoint {
 public:
  /// @throws archive_error  when it is not what it should be
  explicit local_worker_endpoint(worker_handles given);

  bool next(message& into) override;
  progress_words notes() noexcept override;
  void answer(const message_view& what) override;
  doorbell& bell() noexcept { return bell_; }

 private:
  bool was_ready_ = false;
  doorbell bell_;
  std::shared_ptr<item_handles> handles_;
  record_queue tasks_, answers_;
};

}  // namespace ferry::detail
