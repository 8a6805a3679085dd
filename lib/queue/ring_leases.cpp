// SPDX-License-Identifier: BSL-1.0
// Leases of queue items: a taken item stays in the ring until its holder is done with it, or has ended.
//
// Behind `next` lie waiting items, before it those that were taken. Of these the ring keeps the memory from
// `head` on, and `head` goes over what is done with. So the word in front of an item says all there is to say
// of a lease, and the counts beside it are only there to be looked at without a lock: after a kill they are
// counted anew.
#include "os/process_identity.hpp"
#include "os/roll.hpp"
#include "queue/ring.hpp"
#include "queue/ring_places.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <tuple>
#include <vector>

namespace ferry::detail {

template <class Visit>
bool ring::consumer::find_taken(Visit&& visit, std::uint32_t first) {
  const ring_head& head = in_.head();
  const std::uint32_t last = checked_ring(head.reading);
  for (std::uint32_t ring = first; ring <= last; ++ring) {
    ring_position at = load(head.rings[ring].head, std::memory_order_relaxed);
    const ring_position next = load(head.rings[ring].next, std::memory_order_relaxed);
    if (at == next) continue;
    std::byte* const records = in_.memory_.at(ring);
    while (at != next) {
      const std::uint32_t filled = next.units - at.units;
      if (filled > units_of(ring) || filled < record_units(0)) throw_damaged("a ring holds more than it can");
      std::byte* const place = place_of(records, ring, at);
      record_head record;
      std::memcpy(&record, place, sizeof record);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      if (record.size > std::size_t{filled} * unit - sizeof record)
        throw_damaged("an item is longer than what there is");
      if (visit(ring, at, place, record)) return true;
      at.units += record_units(record.size);
      ++at.items;
    }
  }
  return false;
}

void ring::consumer::set_holder(std::uint64_t holder) noexcept {
  auto& word = *reinterpret_cast<std::uint64_t*>(place_ + offsetof(record_head, holder));
  std::atomic_ref(word).store(holder, std::memory_order_seq_cst);
}

// Gives memory back as far as nothing is leased in it.
void ring::consumer::reclaim(std::uint32_t ring) {
  ring_head& head = in_.head();
  ring_words& words = head.rings[ring];
  const std::uint64_t next = words.next.load(std::memory_order_relaxed);
  std::uint64_t free_to = next;
  find_taken(
      [&](std::uint32_t in, ring_position at, std::byte*, const record_head& record) {
        if (in != ring) return true;
        if (record.holder == record_head::free) return false;
        free_to = at.word();
        return true;
      },
      ring);
  words.head.store(free_to, std::memory_order_seq_cst);
  if (free_to == next && ring < checked_ring(head.reading)) in_.memory_.release(ring);
}

// A consumer that was killed has taken its item or not, by one store. What it left undone is to count, and to
// give memory back.
void ring::consumer::repair() {
  ring_head& head = in_.head();
  std::uint32_t leased = 0, returned = 0;
  find_taken([&](std::uint32_t, ring_position, std::byte*, const record_head& record) {
    leased += record.holder != record_head::free;
    returned += record.holder == record_head::returned;
    return false;
  });
  head.leased.store(leased, std::memory_order_seq_cst);
  head.returned.store(returned, std::memory_order_seq_cst);
  const std::uint32_t last = checked_ring(head.reading);
  for (std::uint32_t each = 0; each <= last; ++each) reclaim(each);
  // Those who were to be woken by it.
  head.for_done.notify_all();
  head.for_room.notify_all();
  head.for_items.notify_all();
}

bool ring::consumer::find_returned() {
  return find_taken([&](std::uint32_t in, ring_position at, std::byte* place, const record_head& record) {
    if (record.holder != record_head::returned) return false;
    reading_ = in;
    at_ = at;
    place_ = place;
    record_ = record;
    return true;
  });
}

lease_ticket ring::consumer::take_leased() {
  ring_head& head = in_.head();
  const lease_ticket mine{reading_, record_.handles, at_.word(), record_.serial};
  in_.leases_.fetch_add(1, std::memory_order_relaxed);
  if (again_) {
    set_holder(os::own_identity());
    head.returned.fetch_sub(1, std::memory_order_seq_cst);
    return mine;
  }
  set_holder(os::own_identity());
  head.taken_serial = record_.serial;
  // Before it is taken, so that at no moment it is neither waiting nor leased.
  head.leased.fetch_add(1, std::memory_order_seq_cst);
  const ring_position after{at_.units + record_units(record_.size), at_.items + 1};
  head.rings[reading_].next.store(after.word(), std::memory_order_seq_cst);
  return mine;
}

bool ring::consumer::end_lease(const lease_ticket& which, bool give_back) {
  // The item lies where it lay as long as it is leased; and if it is not, another one's serial is there.
  const ring_position at = ring_position::of(which.at);
  const ring_words& words = in_.head().rings[which.ring];
  const std::uint32_t free_to = load(words.head, std::memory_order_relaxed).units;
  const std::uint32_t taken_to = load(words.next, std::memory_order_relaxed).units;
  if (at.units - free_to >= taken_to - free_to) return false;
  place_ = place_of(in_.memory_.at(which.ring), which.ring, at);
  record_head record;
  std::memcpy(&record, place_, sizeof record);
  if (record.serial != which.serial || record.holder != os::own_identity()) return false;
  in_.leases_.fetch_sub(1, std::memory_order_relaxed);
  ring_head& head = in_.head();
  if (give_back) {
    set_holder(record_head::returned);
    head.returned.fetch_add(1, std::memory_order_seq_cst);
  } else {
    set_holder(record_head::free);
    head.leased.fetch_sub(1, std::memory_order_seq_cst);
    reclaim(which.ring);
  }
  return true;
}

lease_ticket ring::consumer::oldest_lease() {
  lease_ticket oldest;
  find_taken([&](std::uint32_t in, ring_position at, std::byte*, const record_head& record) {
    if (record.holder != os::own_identity()) return false;
    oldest = {in, record.handles, at.word(), record.serial};
    return true;
  });
  return oldest;
}

bool ring::consumer::is_any_leased() const noexcept {
  return in_.may_be_leased();
}

bool ring::consumer::holds_a_lease() {
  return oldest_lease().serial != 0;
}

bool ring::consumer::is_live(std::uint64_t serial) {
  const ring_head& head = in_.head();
  const std::uint32_t reading = checked_ring(head.reading);
  // What has a higher number than all that were taken waits, or is about to be put.
  std::uint64_t last_taken = head.taken_serial;
  const auto found_already = std::tuple(at_, place_, record_);
  if (find_in(reading)) last_taken = record_.serial - 1;
  std::tie(at_, place_, record_) = found_already;
  if (static_cast<std::int64_t>(serial - last_taken) > 0) return true;
  return in_.may_be_leased() &&
         find_taken([&](std::uint32_t, ring_position, std::byte*, const record_head& record) {
           return record.serial == serial && record.holder != record_head::free;
         });
}

void ring::consumer::sweep() {
  ring_head& head = in_.head();
  const os::roll& roll = in_.memory_.roll();
  std::vector<os::process_identity> living{os::own_identity()}, ended;
  const auto is_among = [](const auto& list, std::uint64_t which) {
    return std::find(list.begin(), list.end(), which) != list.end();
  };
  find_taken([&](std::uint32_t, ring_position, std::byte*, const record_head& record) {
    const std::uint64_t holder = record.holder;
    if (holder == record_head::free || holder == record_head::returned || is_among(living, holder) ||
        is_among(ended, holder))
      return false;
    (roll.has_ended(holder) ? ended : living).push_back(holder);
    return false;
  });
  if (ended.empty()) return;
  find_taken([&](std::uint32_t, ring_position, std::byte* place, const record_head& record) {
    if (!is_among(ended, record.holder)) return false;
    place_ = place;
    if (head.tasks == 0) {
      set_holder(record_head::returned);
      head.returned.fetch_add(1, std::memory_order_seq_cst);
      return false;
    }
    // Count and serial in one word: a process that does this again after a kill does not count it again.
    const std::uint64_t lost = head.lost.load(std::memory_order_relaxed);
    const auto serial = static_cast<std::uint32_t>(record.serial);
    head.lost_with.store(record.holder, std::memory_order_seq_cst);
    if (static_cast<std::uint32_t>(lost >> 32U) != serial)
      head.lost.store(std::uint64_t{serial} << 32U | static_cast<std::uint32_t>(lost + 1),
                      std::memory_order_seq_cst);
    set_holder(record_head::free);
    head.leased.fetch_sub(1, std::memory_order_seq_cst);
    return false;
  });
  for (std::uint32_t each = 0; each <= checked_ring(head.reading); ++each) reclaim(each);
  head.for_items.notify_all();
  head.for_done.notify_all();
}

}  // namespace ferry::detail
