// SPDX-License-Identifier: BSL-1.0
// The layout of a queue in shared memory, and the meaning of each word of it.
//
// The memory is the head, which is words and a roll of the processes that have leases, and behind it rings of
// records. The head has 64 KiB, of which little is used: no system has larger pages, so that each ring can be
// mapped by itself. Ring r has 64 KiB << r; a queue
// that outgrows a ring goes on in a larger one, and no byte is moved for that. Producers write in ring
// `writing`; consumers read ring after ring from `reading` on; rings before `reading` hold nothing but items
// that were taken under a lease.
//
//                    reading                     writing
//   | head..next | head...next....tail | (empty) | next=0....tail |
//       leased      taken   waiting                  waiting
//
// Two locks: one for all that put, one for all that take. A producer and a consumer share no lock: what one
// tells the other is in words that only one side writes. Every change that the other side, or the next on the
// same side, acts on is one store; what is before it is invisible, and what is after it is done again by who
// comes next. So a lock whose owner died protects nothing that is broken.
//
// Between two processes alone, one of which may be hostile, there are no such locks: see ring::sharing.
#pragma once

#include "os/robust_mutex.hpp"
#include "os/roll.hpp"
#include "os/word_lock.hpp"
#include "sync/eventcount.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// A place in a ring and the number of items before it, in one word, so that one store changes both: in the
/// low half the place, in units of 8 bytes from where the ring first began; in the high half the number of
/// items that were put into the queue before that place. Both go round, and only differences count.
struct ring_position {
  std::uint32_t units = 0;
  std::uint32_t items = 0;

  static ring_position of(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32U)};
  }
  std::uint64_t word() const noexcept { return std::uint64_t{items} << 32U | units; }
  friend bool operator==(const ring_position&, const ring_position&) = default;
};

/// In front of each item. The item follows, and what is missing to a multiple of 8 bytes.
struct record_head {
  std::uint64_t size;     ///< of the item in bytes
  std::uint32_t handles;  ///< that belong to it, and travel beside the ring
  std::uint32_t format;   ///< how the bytes are to be read; for those who put and take, not for the ring
  std::uint64_t serial;   ///< counts the items that were put, or begun to be
  std::uint64_t holder;   ///< of an item that was taken: `free`, `returned`, or the identity of who leases it

  static constexpr std::uint64_t free = 0;
  static constexpr std::uint64_t returned = ~std::uint64_t{0};  ///< to be taken again
};
static_assert(sizeof(record_head) == 32);

using position_word = std::atomic<std::uint64_t>;

/// The words of one ring: those of the producers and those of the consumers on cache lines of their own. Each
/// side keeps what it last saw of the other's, and looks again when that does not do any more: as long as it
/// does, no cache line goes from one processor to the other.
struct ring_words {
  alignas(64) position_word tail;      ///< up to here items are complete; written by producers
  position_word seen_next, seen_head;  ///< what these were when producers looked; under their lock
  alignas(64) position_word next;      ///< up to here items are taken; written by consumers
  position_word head;                  ///< up to here memory is free again; written by consumers
  position_word seen_tail;             ///< what it was when consumers looked; written under their lock
};

struct ring_head {
  static constexpr std::uint64_t mark_value = 0x3271'6572'7265'66ffU;  // "ferreq2", little-endian
  static constexpr std::uint32_t open = 0, draining = 1, discarded = 2;
  static constexpr std::uint32_t ring_count = 19;  // the last one has 16 GiB

  std::uint64_t mark;
  std::uint64_t max_items, max_bytes;  // 0: no bound; never change
  std::uint32_t tasks;  // whether what is taken is a task, to be reported as done; never changes

  // What all look at and what seldom changes.
  // Under the producers' lock:
  std::atomic<std::uint32_t> state;    // open, draining or discarded
  std::atomic<std::uint32_t> watched;  // whether a process has asked for a handle to wait on
  std::uint32_t raised;                // whether that handle is readable, for all that is known
  std::atomic<std::uint32_t> writing;  // the ring that grows; consumers look at it when their ring ends
  // Under the consumers' lock:
  std::atomic<std::uint32_t> reading;  // the ring with the next item

  alignas(64) os::robust_mutex producers{};
  std::atomic<std::uint64_t> serial;  // of the last item that was begun; under the producers' lock

  alignas(64) os::robust_mutex consumers{};
  os::word_lock taking;  // instead of it where only the two ends of a channel may take
  std::uint64_t
      taken_serial;  // of the last item that was taken, or was about to be; under the consumers' lock

  // Leases; under the consumers' lock.
  alignas(64) std::atomic<std::uint32_t> leased;  // how many items that were taken are not done with
  std::atomic<std::uint32_t> returned;            // how many of these are to be taken again
  std::atomic<std::uint64_t> lost;  // tasks that ended with their process, and the serial of the last one
  std::atomic<std::uint64_t> lost_with;  // the last process that ended with tasks

  // For those who use the queue; it does not look at them.
  static constexpr std::size_t note_count = 8;
  alignas(64) std::atomic<std::uint64_t> notes[note_count];

  // Where one side sleeps until the other has done something.
  alignas(64) eventcount for_items;
  alignas(64) eventcount for_room;
  alignas(64) eventcount for_done;
  ring_words rings[ring_count];
};
inline constexpr std::size_t ring_head_size = std::size_t{64} << 10U;
/// Where the roll is, in the head. It is allocated by the first who joins.
inline constexpr std::size_t ring_roll_offset = 4096,
                             ring_roll_size = os::roll::bytes_for(os::roll::usual_seats);
static_assert(sizeof(ring_head) <= ring_roll_offset && ring_roll_offset + ring_roll_size <= ring_head_size);

inline constexpr std::size_t unit = 8;
inline constexpr std::size_t first_ring_size = std::size_t{64} << 10U;
constexpr std::size_t ring_size(std::uint32_t ring) noexcept {
  return first_ring_size << ring;
}
constexpr std::size_t ring_offset(std::uint32_t ring) noexcept {
  return ring_head_size + ring_size(ring) - first_ring_size;
}
/// The most bytes that one item can have.
inline constexpr std::size_t most_item_bytes = ring_size(ring_head::ring_count - 1) - sizeof(record_head);
/// What an item of `size` bytes takes, in units. @pre size <= most_item_bytes
constexpr std::uint32_t record_units(std::uint64_t size) noexcept {
  return static_cast<std::uint32_t>((sizeof(record_head) + size + unit - 1) / unit);
}

}  // namespace ferry::detail
