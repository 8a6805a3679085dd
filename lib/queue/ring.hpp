// SPDX-License-Identifier: BSL-1.0
// A queue of byte records in shared memory that survives the death of its users.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/base/copy.hpp>
#include <ferry/detail/queue/lease_ticket.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>

#include "os/park.hpp"
#include "os/robust_mutex.hpp"
#include "queue/ring_layout.hpp"
#include "queue/ring_memory.hpp"
#include "queue/sleeping.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

namespace ferry::detail {

/// What goes into a record beside its bytes.
struct record_facts {
  std::uint32_t handles = 0;
  std::uint32_t format = 0;
};

/// One process's way to a ring. All processes that have the memory put and take as they like; each method may
/// be called by any thread. See ring_layout.hpp for how it works.
///
/// It knows bytes only. `put` and `get` do all that a channel of bytes needs; what has more to do while it
/// holds a lock uses `producer` and `consumer` by way of `put_by` and `get_by`.
class ring {
 public:
  /// Who puts and takes. Both ends of a ring are to say the same.
  enum class sharing : std::uint8_t {
    among_all,   ///< any number of processes; their locks are the system's, and survive their owners
    recallable,  ///< one process puts, one takes, and the first may take back; it says when the other has
                 ///< ended
    one_to_one,  ///< one process puts and one takes: there is nothing to lock
  };

  /// @param max_items  0: no bound
  /// @param max_bytes  0: no bound; counts what items take in the ring, which is 32 bytes more than they
  ///                   have, rounded up to 8
  /// @param tasks  what is taken is a task that counts until it is done: that of a process that ends is not
  ///               given to another, but counted as lost
  ring(std::uint64_t max_items, std::uint64_t max_bytes, bool tasks = false) : memory_(max_items, max_bytes) {
    head().tasks = tasks ? 1 : 0;
  }
  /// One without bounds.
  explicit ring(sharing among) : memory_(0, 0), sharing_(among) {}
  /// @throws archive_error  when what arrived is no ring
  explicit ring(unique_handle memory, sharing among = sharing::among_all)
      : memory_(std::move(memory)), sharing_(among) {}

  /// Leases that this process still has stay its own until it ends.
  ~ring() {
    if (leases_.load(std::memory_order_relaxed) > 0) memory_.stay_seated();
  }
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;

  class producer;
  class consumer;

  /// Puts one record.
  /// @returns false when there was no room until then
  /// @throws queue_closed
  /// @throws limit_exceeded  when the record is larger than `max_bytes`
  /// @throws system_error  when memory has run out; nothing was put then
  bool put(std::span<const std::byte> bytes, record_facts facts, deadline until);
  /// Takes one record.
  /// @param into  called with the size of the record, gives the memory for its bytes; what it throws leaves
  ///              the record in the ring
  /// @returns false when nothing came until then
  /// @throws end_of_stream  when the ring is closed and everything has been taken
  /// @throws archive_error  when others have written nonsense
  template <class Into>
  bool get(Into&& into, deadline until);

  enum class outcome {
    done,
    timed_out,
    declined,  ///< by what was to do the last steps
  };
  /// As `put`, with the last steps left to `deliver(producer&)`, which is called when there is room. It
  /// commits and returns true, or declines by returning false.
  template <class Deliver>
  outcome put_by(std::uint64_t size, deadline until, Deliver&& deliver);
  /// As `get`, with the last steps left to `take(consumer&)`, which is called when an item is found. It takes
  /// and returns true, or declines by returning false.
  /// @param idle  called now and then while there is nothing to take
  template <class Take, class Idle>
  outcome get_by(deadline until, Take&& take, Idle&& idle);

  /// How many items are there to be taken: exact at some moment during the call.
  std::uint64_t size() const noexcept;
  /// Whether there was nothing to take, without taking a lock.
  bool looks_empty() const noexcept;
  /// Whether an item of that size would find room by the bounds.
  bool has_room(std::uint64_t size) const noexcept;
  std::uint64_t max_items() const noexcept { return head().max_items; }
  std::uint64_t max_bytes() const noexcept { return head().max_bytes; }

  /// Nothing more is put; what is there can be taken, or, if discarded, not.
  /// @param announce  called just before, when nothing can be put any more
  template <class Announce>
  void close(bool discard, Announce&& announce);
  bool closed() const noexcept { return head().state.load(std::memory_order_seq_cst) != ring_head::open; }
  /// Closed, and nothing left to take, nor will any be given back: what others have under a lease is waited
  /// for, unless this process has a lease itself, for which others may be waiting.
  bool ended();
  /// Whether nothing waits and nothing is leased: all that was put is done.
  bool all_done() const noexcept;
  /// Before the first lease of this process: from then on others see when it ends. Cheap after the first
  /// time.
  /// @throws system_error  when memory, threads or the places for processes have run out
  void join() {
    os::roll& roll = memory_.roll();
    if (!roll.has_joined()) leases_.store(0, std::memory_order_relaxed);  // the parent's, if this is a copy
    roll.join();
  }
  /// Looks for leases of processes that have ended: what they had is to be taken again, or is lost.
  void sweep();
  /// The process that takes has ended, of a recallable ring: what it was at is undone or done.
  void taker_has_ended() noexcept { head().taking.break_open(); }

  handle_view handle() const noexcept { return memory_.handle(); }
  ring_head& head() const noexcept { return memory_.head(); }

 private:
  // Only a queue has bounds and leases. In the memory of two ends, of which one may be hostile, nothing is
  // looked at that says otherwise.
  bool may_be_leased() const noexcept {
    return sharing_ == sharing::among_all && head().leased.load(std::memory_order_seq_cst) != 0;
  }
  bool may_be_returned() const noexcept {
    return head().returned.load(std::memory_order_seq_cst) != 0 && sharing_ == sharing::among_all;
  }
  bool is_bounded() const noexcept {
    return (head().max_items != 0 || head().max_bytes != 0) && sharing_ == sharing::among_all;
  }
  /// Closed, and nothing left to wait for.
  bool is_over() const noexcept;
  std::uint64_t bytes_in_use() const noexcept;
  /// @throws limit_exceeded  when no item of that size can ever be put
  void check_size(std::uint64_t size) const;
  void set_closed(bool discard) noexcept;
  void wake_after_closing() noexcept;
  void discard_all();

  ring_memory memory_;
  std::atomic<std::int64_t> leases_{0};  // that were taken here and not ended here
  const sharing sharing_ = sharing::among_all;
  os::adaptive_spin producers_spin_, consumers_spin_;  // for the locks
  os::adaptive_spin items_spin_, room_spin_;
};

/// Holds the producers' lock for one attempt to put.
class ring::producer {
 public:
  /// @param until  when immediate, it waits all the same for another who is just putting, for a heartbeat
  producer(ring& in, deadline until);
  ~producer();
  producer(const producer&) = delete;
  producer& operator=(const producer&) = delete;

  /// False when the lock could not be had until then: nothing else may be called.
  bool holds() const noexcept { return holds_; }
  void unlock() noexcept;

  /// As that of the ring, but looks at what consumers have done only where what is known does not do.
  bool has_room(std::uint64_t size) noexcept;
  /// Finds the place of a record, with more memory if need be.
  /// @throws system_error  when there is no memory; nothing has changed then
  void prepare(std::uint64_t size);
  /// The number of the record that is being put. Taken once, whether or not it is ever committed.
  std::uint64_t take_serial() noexcept;
  /// Writes the record to the place that was prepared, and then makes it part of the queue.
  void commit(std::span<const std::byte> bytes, record_facts facts) noexcept;

 private:
  ring& in_;
  bool holds_ = false;
  std::uint32_t writing_ = 0;  // the ring that grew so far
  std::uint32_t target_ = 0;   // the ring of the record
  ring_position at_;           // of the record
  std::byte* place_ = nullptr;
  std::uint64_t serial_ = 0;
};

/// Holds the consumers' lock for one attempt to take.
class ring::consumer {
 public:
  /// @param until  as for `producer`
  consumer(ring& in, deadline until);
  struct at_once {};
  /// Of a recallable ring, for the process that puts: does not wait for the other one, not even a moment.
  consumer(ring& in, at_once) : in_(in), holds_(in.head().taking.try_lock()) {}
  ~consumer();
  consumer(const consumer&) = delete;
  consumer& operator=(const consumer&) = delete;

  bool holds() const noexcept { return holds_; }
  void unlock() noexcept;
  /// What its last owner left undone when it ended.
  void repair();

  /// Goes to the next item.
  /// @returns false when there is no next item
  /// @throws archive_error  when others have written nonsense
  bool find();
  /// A copy of what is in front of the item; it has been checked against the ring.
  const record_head& record() const noexcept { return record_; }
  /// The bytes of the item. Others may still be able to write them.
  std::span<const std::byte> bytes() const noexcept {
    return {place_ + sizeof(record_head), static_cast<std::size_t>(record_.size)};
  }
  /// Takes the item that was found out of the queue.
  void take();

  /// Takes the item that was found under a lease of this process.
  lease_ticket take_leased();
  /// Ends a lease: the item is done with, or to be taken again.
  /// @returns false when it is not leased by this process: nothing has changed
  bool end_lease(const lease_ticket& which, bool give_back);
  /// The oldest item that this process has under a lease; `serial` is 0 if it has no lease.
  lease_ticket oldest_lease();
  /// Gives back, or counts as lost, what processes that have ended had.
  void sweep();
  /// Whether this process, or any, has a lease.
  bool holds_a_lease();
  bool is_any_leased() const noexcept;
  /// Whether an item of that serial waits or is leased, or may be about to be put.
  bool is_live(std::uint64_t serial);

 private:
  bool find_in(std::uint32_t ring);
  bool find_returned();
  void leave(std::uint32_t ring);
  void reclaim(std::uint32_t ring);
  /// Calls `visit(ring, at, place, record)` for the items that were taken and whose memory is not free yet,
  /// from ring `first` on, until it returns true.
  template <class Visit>
  bool find_taken(Visit&& visit, std::uint32_t first = 0);
  void set_holder(std::uint64_t holder) noexcept;

  ring& in_;
  bool holds_ = false;
  bool again_ = false;         // the item was taken before
  std::uint32_t reading_ = 0;  // the ring of the item
  ring_position at_;
  std::byte* place_ = nullptr;
  record_head record_{};
};

template <class Deliver>
ring::outcome ring::put_by(std::uint64_t size, deadline until, Deliver&& deliver) {
  check_size(size);
  waiting_turn turn(head().for_room, room_spin_, [&] { return has_room(size) || closed(); });
  do {
    producer lock(*this, until);
    if (!lock.holds()) continue;
    if (closed()) throw queue_closed("put into a queue that is closed");
    if (!lock.has_room(size)) continue;
    lock.prepare(size);
    if (!deliver(lock)) return outcome::declined;
    lock.unlock();
    head().for_items.notify(1);
    return outcome::done;
  } while (turn(until));
  return outcome::timed_out;
}

template <class Take, class Idle>
ring::outcome ring::get_by(deadline until, Take&& take, Idle&& idle) {
  waiting_turn turn(head().for_items, items_spin_, [&] { return !looks_empty() || is_over(); });
  do {
    if (ended()) throw end_of_stream("the queue is closed, and everything has been taken");
    if (looks_empty()) {
      // Perhaps who should have told of an item, or had one, was killed. Not looked for before it is worth
      // it.
      if (may_be_leased() && (turn.slept() || until.expired())) sweep();
      if (turn.slept()) idle();
      if (looks_empty()) continue;
    }
    consumer lock(*this, until);
    if (!lock.holds() || !lock.find()) continue;
    const bool taken = take(lock);
    lock.unlock();
    head().for_room.notify(1);
    return taken ? outcome::done : outcome::declined;
  } while (turn(until));
  return outcome::timed_out;
}

template <class Announce>
void ring::close(bool discard, Announce&& announce) {
  {
    // Under the lock, so that no producer that found the queue open puts anything after it is closed.
    const producer lock(*this, deadline::never());
    announce();
    set_closed(discard);
  }
  wake_after_closing();
  if (discard) discard_all();
}

template <class Into>
bool ring::get(Into&& into, deadline until) {
  return get_by(
             until,
             [&](consumer& from) {
               const std::span<const std::byte> bytes = from.bytes();
               detail::copy_bytes(into(bytes.size()), bytes.data(), bytes.size());
               from.take();
               return true;
             },
             [] {}) == outcome::done;
}

}  // namespace ferry::detail
