// SPDX-License-Identifier: BSL-1.0
// Both ends of a worker on the same machine: what is put where.
#include "pool/local_worker.hpp"

#include <ferry/deadline.hpp>
#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "queue/ring_layout.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>

namespace ferry::detail {
namespace {

constexpr auto of_tasks = record_queue::sharing::recallable, of_answers = record_queue::sharing::one_to_one;

// Where in the notes of the queue of answers a worker says what it is doing.
constexpr std::size_t is_ready = 0, run_id = 1, item_number = 2, begun_at = 3;

// A worker takes what its pool has made, which has looked at the limits.
constexpr limits unlimited{.bytes = std::numeric_limits<std::size_t>::max(),
                           .handles = std::numeric_limits<std::size_t>::max()};

/// @throws end_of_stream  when the other side has made it unusable
bool put(record_queue& into, const message_view& record, deadline until) {
  // It has no bounds, and is not put into after it has been closed on this side.
  constexpr const char* damaged =
      "the process at the other end of a pool's memory has written nonsense to it";
  try {
    return into.put(record, until, [] {});
  } catch (const queue_closed&) {
    throw end_of_stream(damaged);
  } catch (const archive_error&) {
    throw end_of_stream(damaged);
  } catch (const limit_exceeded&) {  // a bound that was written into the memory
    throw end_of_stream(damaged);
  }
}

/// @throws archive_error  when what is there is no record, or has more than it may: nothing of it is copied
/// @throws system_error, std::bad_alloc  where it is lost, but for its title
bool get(record_queue& from, message& into, deadline until, const limits& most) {
  // A title is enough to say whose record it was.
  const record_queue::taken got = from.get(into, {.most = most, .least = sizeof(record_title)}, until, [] {});
  if (got.what == record_queue::taken::kind::too_large)
    throw archive_error("a record of a pool has " + std::to_string(got.bytes) + " bytes and " +
                        std::to_string(got.handles) + " handles, and may have " + std::to_string(most.bytes) +
                        " and " + std::to_string(most.handles));
  if (got.what == record_queue::taken::kind::none) return false;
  if (into.bytes().size() < sizeof(record_title)) throw archive_error("a record of a pool has no title");
  return true;
}

}  // namespace

// --- the pool's end ----------------------------------------------------------------------------------------

local_worker::local_worker() : local_worker(os::packet_socket_pair()) {}

local_worker::local_worker(std::pair<unique_handle, unique_handle> sockets)
    : handles_(std::make_shared<item_handles>(std::move(sockets.first))),
      workers_handles_(std::move(sockets.second)),
      tasks_(of_tasks, handles_),
      answers_(of_answers, handles_) {}

worker_handles local_worker::handles_for_worker(const doorbell& bell) const {
  return {duplicate(tasks_.memory()), duplicate(answers_.memory()), duplicate(workers_handles_),
          duplicate(bell.memory()), duplicate(bell.event())};
}

bool local_worker::send(const message_view& record) {
  return put(tasks_, record, deadline::immediately());
}

void local_worker::finish() {
  tasks_.close(false, [] {});
}

bool local_worker::receive(message& into, const limits& most) {
  return get(answers_, into, deadline::immediately(), most);
}

bool local_worker::holds_handles() const noexcept {
  try {
    return !handles_->empty();
  } catch (const error&) {
    return true;
  }
}

worker_progress local_worker::progress() const noexcept {
  const auto& notes = answers_.items().head().notes;
  worker_progress told;
  told.ready = notes[is_ready].load(std::memory_order_acquire) != 0;
  told.run = notes[run_id].load(std::memory_order_acquire);
  told.item = static_cast<std::uint32_t>(notes[item_number].load(std::memory_order_acquire));
  told.begun_at = notes[begun_at].load(std::memory_order_acquire);
  return told;
}

// --- the worker's end --------------------------------------------------------------------------------------

local_worker_endpoint::local_worker_endpoint(worker_handles given)
    : bell_(std::move(given.bell_memory), std::move(given.bell_event)),
      handles_(std::make_shared<item_handles>(std::move(given.handles))),
      tasks_(std::move(given.tasks), of_tasks, handles_),
      answers_(std::move(given.answers), of_answers, handles_) {}

bool local_worker_endpoint::next(message& into) {
  if (!std::exchange(was_ready_, true)) bell_.none_fails();
  try {
    return get(tasks_, into, deadline::never(), unlimited);
  } catch (const end_of_stream&) {
    return false;
  }
}

progress_words local_worker_endpoint::notes() noexcept {
  auto& notes = answers_.items().head().notes;
  return {notes[is_ready], notes[run_id], notes[item_number], notes[begun_at]};
}

void local_worker_endpoint::answer(const message_view& what) {
  put(answers_, what, deadline::never());
  bell_.ring();
}

}  // namespace ferry::detail
