// SPDX-License-Identifier: BSL-1.0
// What a queue adds to its records: options, an event, leases that end, and tasks that are counted.
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/queue/queue_core.hpp>
#include <ferry/error.hpp>

#include "os/process_identity.hpp"
#include "queue/readiness.hpp"
#include "queue/record_queue.hpp"
#include "queue/ring.hpp"

#include <atomic>
#include <cstdint>
#include <string>

namespace ferry::detail {

namespace {

[[noreturn]] void throw_too_large(const char* what, std::uint64_t bytes, const limits& limit) {
  throw limit_exceeded("an item that was to be " + std::string(what) + " has " + std::to_string(bytes) +
                       " bytes, more than the limits::bytes of the queue, which is " +
                       std::to_string(limit.bytes) + ": make the queue with a larger queue_options::limit");
}

}  // namespace

struct queue_core::state {
  state(const queue_options& with, bool tasks)
      : records(with.max_items, with.max_bytes, tasks),
        ready(records.items()),
        options(options_of_archives(with)) {}
  state(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
        const archive_options& with)
      : records(std::move(memory), std::move(reader), std::move(writer)),
        ready(records.items(), std::move(event)),
        options(with) {}

  ring& items() noexcept { return records.items(); }

  record_queue records;
  readiness ready;
  archive_options options;
  os::adaptive_spin done_spin;
  std::atomic<std::uint32_t> lost_told{0};  // how many lost tasks `join` has told of here
};

queue_core::queue_core(const queue_options& options, bool tasks)
    : state_(std::make_shared<state>(options, tasks)) {}

queue_core::queue_core(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
                       const archive_options& options)
    : state_(std::make_shared<state>(std::move(memory), std::move(event), std::move(reader),
                                     std::move(writer), options)) {}

queue_core::state& queue_core::held() const {
  return detail::held(state_, "queue");
}

const archive_options& queue_core::packing() const {
  return held().options;
}

bool queue_core::put(const message_view& what, deadline until) {
  state& it = held();
  if (what.bytes.size() > it.options.limit.bytes) throw_too_large("put", what.bytes.size(), it.options.limit);
  return it.records.put(what, until, [&] { it.ready.announce(); });
}

bool queue_core::get(message& into, lease_ticket& lease, taking how, deadline until) {
  state& it = held();
  const limits& limit = it.options.limit;
  const bool leased = how == taking::under_lease || it.items().head().tasks != 0;
  const record_queue::taken got =
      it.records.get(into, {.most = limit, .under_lease = leased}, until, [&] { it.ready.settle(); });
  lease = got.lease;
  switch (got.what) {
    case record_queue::taken::kind::record:
      return true;
    case record_queue::taken::kind::none:
      // A caller that found nothing, and looked because the handle of the queue was up, puts it down.
      if (it.items().head().watched.load(std::memory_order_relaxed) != 0) it.ready.is_ready();
      return false;
    case record_queue::taken::kind::too_large:
      break;
  }
  if (got.bytes > limit.bytes) throw_too_large("taken", got.bytes, limit);
  throw limit_exceeded("an item that was to be taken has " + std::to_string(got.handles) +
                       " handles, more than the limits::handles of the queue, which is " +
                       std::to_string(limit.handles) + ": make the queue with a larger queue_options::limit");
}

// --- leases ------------------------------------------------------------------------------------------------

void queue_core::end_lease(const lease_ticket& lease, bool give_back) {
  state& it = held();
  {
    ring::consumer from(it.items(), deadline::never());
    if (give_back) {
      it.ready.announce_return();
      from.end_lease(lease, true);
    } else {
      it.records.end_lease(from, lease);
    }
  }
  it.records.after_lease();
}

void queue_core::task_done() {
  state& it = held();
  {
    ring::consumer from(it.items(), deadline::never());
    const lease_ticket oldest = from.oldest_lease();
    if (oldest.serial == 0)
      throw usage_error("task_done() was called more often than this process has taken tasks from the queue");
    it.records.end_lease(from, oldest);
  }
  it.records.after_lease();
}

bool queue_core::join(deadline until) {
  state& it = held();
  ring_head& head = it.items().head();
  waiting_turn turn(head.for_done, it.done_spin, [&] { return it.items().all_done(); });
  bool done = false;
  do {
    done = it.items().all_done();
    if (!done && turn.slept()) it.items().sweep();
  } while (!done && turn(until));
  const auto lost = static_cast<std::uint32_t>(head.lost.load(std::memory_order_seq_cst));
  if (!done) return false;
  const std::uint32_t untold = lost - it.lost_told.exchange(lost);
  if (untold != 0) throw tasks_lost(untold, os::id_of(head.lost_with.load()));
  return true;
}

std::size_t queue_core::size() const {
  return held().items().size();
}
bool queue_core::full() const {
  return !held().items().has_room(0);
}
bool queue_core::closed() const {
  return held().items().closed();
}
void queue_core::close(bool discard) {
  state& it = held();
  it.records.close(discard, [&] { it.ready.announce(); });
  if (discard) it.items().head().for_done.notify_all();
}

native_handle_type queue_core::native_handle() const {
  held().ready.watch();
  return held().ready.handle().native();
}

bool queue_core::is_ready() const {
  return held().ready.is_ready();
}

std::tuple<handle_view, handle_view, handle_view, handle_view, const archive_options&> queue_core::parts()
    const {
  state& it = held();
  return {it.records.memory(), it.ready.handle(), it.records.handles().reader(),
          it.records.handles().writer(), it.options};
}

}  // namespace ferry::detail
