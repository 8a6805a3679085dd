// SPDX-License-Identifier: BSL-1.0
// The two channels between a pool and a worker on the same machine, from either end.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/engine.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include "pool/record_channel.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace ferry::detail {

/// What a worker needs to open its end.
struct channel_handles {
  unique_handle tasks, answers, handles, bell_memory, bell_event;
};

/// The pool's end. To be used by one thread at a time, as its channels are; but for `progress`.
class pool_end {
 public:
  /// @throws system_error  when memory or descriptors have run out; it takes four, one of them the worker's
  pool_end() : pool_end(os_socket_pair()) {}

  /// Duplicates of all that the worker is given.
  channel_handles seat(const doorbell& bell) const;
  /// To be called when the worker has its own: its end of the socket is closed here.
  void seated() noexcept { workers_handles_.reset(); }

  record_channel& tasks() noexcept { return tasks_; }
  record_channel& answers() noexcept { return answers_; }
  worker_progress progress() const noexcept;
  /// Whether there are handles that the worker has sent and nobody has taken.
  bool holds_handles() const noexcept;

 private:
  explicit pool_end(std::pair<unique_handle, unique_handle> sockets)
      : handles_(std::make_shared<item_handles>(std::move(sockets.first))),
        workers_handles_(std::move(sockets.second)),
        tasks_(record_channel::sharing::recallable, handles_),
        answers_(record_channel::sharing::one_to_one, handles_) {}
  static std::pair<unique_handle, unique_handle> os_socket_pair();

  std::shared_ptr<item_handles> handles_;
  unique_handle workers_handles_;
  record_channel tasks_, answers_;
};

/// A worker on the same machine, as far as it is one at the other end of a channel.
class local_worker : public worker_link {
 public:
  bool send(const message_view& record) override {
    return channel_.tasks().put(record, deadline::immediately());
  }
  std::optional<std::size_t> recall(std::size_t most) override { return channel_.tasks().take_back(most); }
  void finish() override { channel_.tasks().close(); }
  bool receive(message& into, const limits& most) override {
    return channel_.answers().get(into, deadline::immediately(), most);
  }
  bool holds_handles() const noexcept override { return channel_.holds_handles(); }
  worker_progress progress() const noexcept override { return channel_.progress(); }

 protected:
  pool_end channel_;
};

/// The worker's end.
class local_worker_endpoint final : public worker_endpoint {
 public:
  /// @throws archive_error  when it is not what it should be
  explicit local_worker_endpoint(channel_handles seat);

  bool next(message& into) override;
  progress_words notes() noexcept override;
  void answer(const message_view& what) override;
  doorbell& bell() noexcept { return bell_; }

 private:
  bool was_ready_ = false;
  doorbell bell_;
  std::shared_ptr<item_handles> handles_;
  record_channel tasks_, answers_;
};

}  // namespace ferry::detail
