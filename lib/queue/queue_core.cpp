// SPDX-License-Identifier: BSL-1.0
// A queue of bare messages: a ring, and what goes with it.
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/queue/queue_core.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/error.hpp>

#include "archive/table_of.hpp"
#include "handles/handle_bundle.hpp"
#include "os/process_identity.hpp"
#include "queue/item_handles.hpp"
#include "queue/readiness.hpp"
#include "queue/ring.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
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
      : items(with.max_items, with.max_bytes, tasks),
        ready(items),
        options{.mode = with.mode, .table = with.table, .limit = with.limit} {}
  state(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
        const archive_options& with)
      : items(std::move(memory)),
        ready(items, std::move(event)),
        handles(std::move(reader), std::move(writer)),
        options(with) {}

  bool put(std::span<const std::byte> bytes, std::uint32_t format, const std::vector<handle_view>& carried,
           std::size_t count, deadline until);
  /// @returns whether there was something to clear away
  bool tidy();
  void after_lease();
  void end_lease(ring::consumer& from, const lease_ticket& lease);

  ring items;
  readiness ready;
  item_handles handles;
  archive_options options;
  os::adaptive_spin done_spin;
  std::atomic<std::uint32_t> lost_told{0};  // how many lost tasks `join` has told of here
};

queue_core::queue_core(const queue_options& options, bool tasks)
    : state_(std::make_shared<state>(options, tasks)) {}

queue_core::queue_core(unique_handle memory, unique_handle event, unique_handle reader, unique_handle writer,
                       transfer mode, const limits& limit)
    : state_(std::make_shared<state>(std::move(memory), std::move(event), std::move(reader),
                                     std::move(writer), archive_options{.mode = mode, .limit = limit})) {}

queue_core::state& queue_core::held() const {
  return detail::held(state_, "queue");
}

const archive_options& queue_core::packing() const {
  return held().options;
}

bool queue_core::takes_plain_bytes() const {
  return table_of(held().options).override_mask() == 0;
}

bool queue_core::put(std::span<const std::byte> bytes, std::uint32_t format,
                     std::span<const unique_handle> handles, deadline until) {
  if (bytes.size() > held().options.limit.bytes) throw_too_large("put", bytes.size(), held().options.limit);
  if (handles.empty()) {
    return held().items.put_by(bytes.size(), until, [&](ring::producer& to) {
      held().ready.announce();
      to.commit(bytes, {.format = format});
      return true;
    }) == ring::outcome::done;
  }
  if (handles.size() <= most_direct_handles)
    return held().put(bytes, format, {handles.begin(), handles.end()}, handles.size(), until);
  const std::optional<unique_handle> bundle =
      pack_handles(std::vector<handle_view>(handles.begin(), handles.end()), until);
  return bundle && held().put(bytes, format, {*bundle}, handles.size(), until);
}

bool queue_core::state::put(std::span<const std::byte> bytes, std::uint32_t format,
                            const std::vector<handle_view>& carried, std::size_t count, deadline until) {
  const record_facts facts{static_cast<std::uint32_t>(count), format};
  for (;;) {
    const ring::outcome outcome = items.put_by(bytes.size(), until, [&](ring::producer& to) {
      if (!handles.send(to.take_serial(), carried)) return false;
      ready.announce();
      to.commit(bytes, facts);
      return true;
    });
    if (outcome != ring::outcome::declined) return outcome == ring::outcome::done;
    // No consumer needs to come for what fills an empty queue: so who waits for that room makes it.
    if (!tidy() && !handles.wait_for_room(until)) return false;
  }
}

// NOLINTNEXTLINE(readability-function-cognitive-complexity)  the protocol of handles beside a ring
bool queue_core::get(taken_item& into, taking how, deadline until) {
  state& it = held();
  const bool leased = how == taking::under_lease || it.items.head().tasks != 0;
  if (leased) it.items.join();
  for (;;) {
    std::uint32_t announced = 0;
    std::optional<std::uint64_t> too_large;
    const ring::outcome outcome = it.items.get_by(
        until,
        [&](ring::consumer& from) {
          const record_head record = from.record();
          announced = record.handles;
          // Before a byte of it is copied: it is lost, and the next one can be taken.
          const limits& limit = it.options.limit;
          if (record.size > limit.bytes || announced > limit.handles) {
            too_large = record.size;
            from.take();
            if (announced != 0) it.handles.drop(record.serial, from);
            it.ready.settle();
            return true;
          }
          // Without its handles it cannot be used: they went with a consumer that was killed.
          const bool is_whole = announced == 0 || it.handles.peek(record.serial, from, into.handles);
          if (is_whole) {
            buffer& block = into.memory.block;
            block.truncate(0);
            block.append(from.bytes().data(), from.bytes().size());
            into.format = record.format;
          }
          if (leased && is_whole) {
            into.lease = from.take_leased();
          } else {
            from.take();
            if (announced != 0 && is_whole) it.handles.drop(record.serial, from);
          }
          it.ready.settle();
          return is_whole;
        },
        [&] { it.tidy(); });
    if (outcome == ring::outcome::timed_out) {
      // A caller that found nothing, and looked because the handle of the queue was up, puts it down.
      if (it.items.head().watched.load(std::memory_order_relaxed) != 0) it.ready.is_ready();
      return false;
    }
    if (outcome == ring::outcome::declined) continue;
    if (too_large && *too_large > it.options.limit.bytes)
      throw_too_large("taken", *too_large, it.options.limit);
    if (too_large)
      throw limit_exceeded("an item that was to be taken has " + std::to_string(announced) +
                           " handles, more than the limits::handles of the queue, which is " +
                           std::to_string(it.options.limit.handles) +
                           ": make the queue with a larger queue_options::limit");
    if (announced == 0) return true;
    try {
      into.handles = claim_handles(std::move(into.handles), announced, false);
    } catch (...) {
      if (into.lease.serial != 0) end_lease(into.lease, false);
      throw;
    }
    return true;
  }
}

// Handles in a queue without items are what killed processes left there. Who has the other end of what they
// are may wait for their being closed.
bool queue_core::state::tidy() {
  if (handles.empty() || !items.looks_empty()) return false;
  const ring::consumer taking(items, deadline::immediately());
  if (!taking.holds()) return false;
  const ring::producer putting(items, deadline::immediately());
  if (!putting.holds() || !items.looks_empty() || taking.is_any_leased() || handles.empty()) return false;
  handles.drop_all();
  return true;
}

// --- leases ------------------------------------------------------------------------------------------------

void queue_core::end_lease(const lease_ticket& lease, bool give_back) {
  state& it = held();
  {
    ring::consumer from(it.items, deadline::never());
    if (give_back) {
      it.ready.announce_return();
      from.end_lease(lease, true);
    } else {
      it.end_lease(from, lease);
    }
  }
  it.after_lease();
}

void queue_core::state::end_lease(ring::consumer& from, const lease_ticket& lease) {
  if (from.end_lease(lease, false) && lease.handles != 0) handles.drop(lease.serial, from);
}

void queue_core::state::after_lease() {
  ring_head& head = items.head();
  // At the end all are to know of it.
  if (items.closed() && items.ended())
    wake_all(head.for_items);
  else if (!items.looks_empty())
    wake_one(head.for_items);
  if (items.all_done() && head.for_done.asleep.exchange(0, std::memory_order_seq_cst) != 0)
    wake_all(head.for_done);
}

void queue_core::task_done() {
  state& it = held();
  {
    ring::consumer from(it.items, deadline::never());
    const lease_ticket oldest = from.oldest_lease();
    if (oldest.serial == 0)
      throw usage_error("task_done() was called more often than this process has taken tasks from the queue");
    it.end_lease(from, oldest);
  }
  it.after_lease();
}

bool queue_core::join(deadline until) {
  state& it = held();
  ring_head& head = it.items.head();
  waiting_turn turn(head.for_done, it.done_spin, [&] { return it.items.all_done(); });
  bool done = false;
  do {
    done = it.items.all_done();
    if (!done && turn.slept()) it.items.sweep();
  } while (!done && turn(until));
  const auto lost = static_cast<std::uint32_t>(head.lost.load(std::memory_order_seq_cst));
  if (!done) return false;
  const std::uint32_t untold = lost - it.lost_told.exchange(lost);
  if (untold != 0) throw tasks_lost(untold, os::id_of(head.lost_with.load()));
  return true;
}

std::size_t queue_core::size() const {
  return held().items.size();
}
bool queue_core::full() const {
  return !held().items.has_room(0);
}
bool queue_core::closed() const {
  return held().items.closed();
}
void queue_core::close(bool discard) {
  held().items.close(discard, [&] { held().ready.announce(); });
  if (!discard) return;
  const ring::consumer lock(held().items, deadline::never());
  if (!lock.is_any_leased()) held().handles.drop_all();
  wake_all(held().items.head().for_done);
}

native_handle_type queue_core::native_handle() const {
  held().ready.watch();
  return held().ready.handle().native();
}

bool queue_core::is_ready() const {
  return held().ready.is_ready();
}

std::tuple<handle_view, handle_view, handle_view, handle_view, transfer, limits> queue_core::parts() const {
  return {held().items.handle(),   held().ready.handle(), held().handles.reader(),
          held().handles.writer(), held().options.mode,   held().options.limit};
}

}  // namespace ferry::detail
