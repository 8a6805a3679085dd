// SPDX-License-Identifier: BSL-1.0
// Putting into and taking from the rings of a queue.
#include "queue/ring.hpp"

#include "queue/ring_places.hpp"

#include <algorithm>
#include <string>

namespace ferry::detail {
namespace {

/// Who holds a lock is about to give it back.
deadline at_least_a_heartbeat(deadline until) noexcept {
  return until.is_immediate() ? deadline::after(os::heartbeat) : until;
}

/// @returns whether the lock is held now
/// @throws archive_error  when others have written into it
bool lock(os::robust_mutex& mutex, deadline until, os::adaptive_spin& spin, bool& owner_died) {
  os::robust_mutex::outcome got{};
  try {
    got = mutex.try_lock();
    if (got == os::robust_mutex::outcome::timed_out)
      got = mutex.lock_from_another(at_least_a_heartbeat(until), spin);
  } catch (const system_error&) {
    throw_damaged("its lock is none");
  }
  owner_died = got == os::robust_mutex::outcome::owner_died;
  return got != os::robust_mutex::outcome::timed_out;
}

void unlock_noexcept(os::robust_mutex& mutex) noexcept {
  try {
    mutex.unlock();
  } catch (const system_error&) {
    // Others have written into it: no caller can be told here, and the next to lock it will be.
  }
}

/// How far behind the beginning of a record the memory of later ones is fetched: the time of a few small
/// ones.
constexpr std::size_t fetched_ahead = 384;

/// Has two cache lines brought here while this thread goes on. Consumers had them last: to wait for each line
/// as it is written takes longer than all else that a small item needs.
void fetch_to_write([[maybe_unused]] std::byte* place) noexcept {
#if defined(__x86_64__)
  // Not by the compiler's builtin, which without special flags fetches them for reading. Processors that do
  // not know the instruction pass over it.
  __asm__ __volatile__("prefetchw %0\n\tprefetchw %1" : : "m"(*place), "m"(place[64]));
#else
  __builtin_prefetch(place, 1);
  __builtin_prefetch(place + 64, 1);
#endif
}

}  // namespace

// --- what is there -----------------------------------------------------------------------------------------

bool ring::looks_empty() const noexcept {
  const ring_head& words = head();
  const std::uint32_t reading = words.reading.load(std::memory_order_seq_cst);
  if (reading >= ring_head::ring_count) return false;  // damaged: a consumer will say so
  const ring_words& at = words.rings[reading];
  const std::uint64_t next = at.next.load(std::memory_order_seq_cst);
  return next == at.seen_tail.load(std::memory_order_seq_cst) &&
         next == at.tail.load(std::memory_order_seq_cst) &&
         words.writing.load(std::memory_order_seq_cst) == reading && !may_be_returned();
}

bool ring::is_over() const noexcept {
  // First the state: after it nothing more is put.
  const std::uint32_t state = head().state.load(std::memory_order_seq_cst);
  if (state == ring_head::open) return false;
  if (state == ring_head::discarded) return true;
  return looks_empty() && (head().tasks != 0 || !may_be_leased());
}

bool ring::ended() {
  if (!closed()) return false;
  if (is_over()) return true;
  if (!looks_empty() || !may_be_leased()) return false;
  consumer lock(*this, deadline::immediately());
  return lock.holds() && looks_empty() && lock.holds_a_lease();
}

bool ring::all_done() const noexcept {
  // First what waits: who takes it counts it as leased before.
  const ring_head& words = head();
  const std::uint32_t reading = words.reading.load(std::memory_order_seq_cst);
  if (reading >= ring_head::ring_count) return false;
  const ring_words& at = words.rings[reading];
  const bool none_waits =
      at.next.load(std::memory_order_seq_cst) == at.tail.load(std::memory_order_seq_cst) &&
      words.writing.load(std::memory_order_seq_cst) == reading;
  return none_waits && words.leased.load(std::memory_order_seq_cst) == 0;
}

void ring::sweep() {
  consumer lock(*this, deadline::immediately());
  if (lock.holds() && lock.is_any_leased()) lock.sweep();
}

std::uint64_t ring::size() const noexcept {
  const ring_head& words = head();
  if (words.state.load(std::memory_order_acquire) == ring_head::discarded) return 0;
  // Two words that others change: they belong together if the first did not move while the second was read.
  // Consumers that are so busy that it never holds still do not mind an answer that is a moment old.
  std::uint32_t count = 0;
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::uint32_t reading = words.reading.load(std::memory_order_seq_cst);
    if (reading >= ring_head::ring_count) return 0;
    const std::uint32_t returned = words.returned.load(std::memory_order_seq_cst);
    const std::uint64_t next = words.rings[reading].next.load(std::memory_order_seq_cst);
    const std::uint32_t writing = words.writing.load(std::memory_order_seq_cst);
    if (writing >= ring_head::ring_count) return 0;
    const ring_position tail = load(words.rings[writing].tail, std::memory_order_seq_cst);
    count = tail.items - ring_position::of(next).items + returned;
    if (words.writing.load(std::memory_order_seq_cst) == writing &&
        words.reading.load(std::memory_order_seq_cst) == reading &&
        words.rings[reading].next.load(std::memory_order_seq_cst) == next &&
        words.returned.load(std::memory_order_seq_cst) == returned)
      break;
  }
  return count;
}

std::uint64_t ring::bytes_in_use() const noexcept {
  const ring_head& words = head();
  const std::uint32_t last =
      std::min(words.writing.load(std::memory_order_seq_cst), ring_head::ring_count - 1);
  std::uint64_t units = 0;
  for (std::uint32_t each = 0; each <= last; ++each) {
    const ring_words& at = words.rings[each];
    // What is taken, and not what is free: a consumer that was killed in between may have left nothing that
    // another would come for, and then the producers would never be told. Read first, since it follows the
    // tail.
    const ring_position taken = load(at.next, std::memory_order_seq_cst);
    units += load(at.tail, std::memory_order_seq_cst).units - taken.units;
  }
  return units * unit;
}

bool ring::has_room(std::uint64_t size) const noexcept {
  if (!is_bounded()) return true;
  const ring_head& words = head();
  if (words.max_items != 0 && this->size() >= words.max_items) return false;
  return words.max_bytes == 0 || bytes_in_use() + std::uint64_t{record_units(size)} * unit <= words.max_bytes;
}

void ring::check_size(std::uint64_t size) const {
  const std::uint64_t most = is_bounded() ? max_bytes() : 0;
  if (size > most_item_bytes || (most != 0 && std::uint64_t{record_units(size)} * unit > most))
    throw limit_exceeded("an item of " + std::to_string(size) + " bytes takes " +
                         std::to_string((sizeof(record_head) + size + unit - 1) / unit * unit) +
                         " in a queue, more than the " + std::to_string(most != 0 ? most : most_item_bytes) +
                         " bytes that this one may ever hold: make it with a larger max_bytes");
}

bool ring::put(std::span<const std::byte> bytes, record_facts facts, deadline until) {
  return put_by(bytes.size(), until, [&](producer& to) {
           to.commit(bytes, facts);
           return true;
         }) == outcome::done;
}

// --- closing -----------------------------------------------------------------------------------------------

void ring::set_closed(bool discard) noexcept {
  std::atomic<std::uint32_t>& state = head().state;
  if (discard)
    state.store(ring_head::discarded, std::memory_order_seq_cst);
  else if (state.load(std::memory_order_relaxed) == ring_head::open)
    state.store(ring_head::draining, std::memory_order_seq_cst);
}

void ring::wake_after_closing() noexcept {
  head().for_items.notify_all();
  head().for_room.notify_all();
}

// What is discarded is given back to the system. No process looks at it any longer: a queue that is discarded
// has no items, whether or not this is done to its end.
void ring::discard_all() {
  const consumer lock(*this, deadline::never());
  const std::uint32_t last = checked_ring(head().writing);
  for (std::uint32_t each = head().reading.load(std::memory_order_relaxed); each <= last; ++each) {
    ring_words& at = head().rings[each];
    const std::uint64_t tail = at.tail.load(std::memory_order_acquire);
    const bool is_free = at.head.load(std::memory_order_relaxed) == at.next.load(std::memory_order_relaxed);
    at.seen_tail.store(tail, std::memory_order_relaxed);
    at.next.store(tail, std::memory_order_seq_cst);
    if (is_free) {
      at.head.store(tail, std::memory_order_seq_cst);
      memory_.release(each);
    }
  }
  head().reading.store(last, std::memory_order_seq_cst);
}

// --- producers ---------------------------------------------------------------------------------------------

ring::producer::producer(ring& in, deadline until) : in_(in) {
  if (in.sharing_ != sharing::among_all) {
    holds_ = true;
    return;
  }
  bool owner_died = false;
  holds_ = lock(in.head().producers, until, in.producers_spin_, owner_died);
  // A producer that was killed may have made room in rings to which it never came. Its unfinished record is
  // behind the tail, where the next one is written over it.
  if (!owner_died) return;
  try {
    in.memory_.release_after(checked_ring(in.head().writing));
  } catch (...) {
    unlock();
    throw;
  }
}

ring::producer::~producer() {
  unlock();
}

void ring::producer::unlock() noexcept {
  if (std::exchange(holds_, false) && in_.sharing_ == sharing::among_all)
    unlock_noexcept(in_.head().producers);
}

bool ring::producer::has_room(std::uint64_t size) noexcept {
  ring_head& head = in_.head();
  if (!in_.is_bounded()) return true;
  const std::uint32_t writing = head.writing.load(std::memory_order_relaxed);
  if (writing >= ring_head::ring_count) return true;  // damaged: `prepare` will say so
  ring_words& words = head.rings[writing];
  if (head.reading.load(std::memory_order_relaxed) == writing &&
      head.returned.load(std::memory_order_seq_cst) == 0) {
    // More may have been taken meanwhile, and only that.
    const ring_position tail = load(words.tail, std::memory_order_relaxed);
    const ring_position taken = load(words.seen_next, std::memory_order_relaxed);
    const std::uint64_t bytes = std::uint64_t{tail.units - taken.units + record_units(size)} * unit;
    if ((head.max_items == 0 || tail.items - taken.items < head.max_items) &&
        (head.max_bytes == 0 || bytes <= head.max_bytes))
      return true;
  }
  words.seen_next.store(words.next.load(std::memory_order_seq_cst), std::memory_order_relaxed);
  return in_.has_room(size);
}

void ring::producer::prepare(std::uint64_t size) {
  ring_head& head = in_.head();
  const std::uint32_t need = record_units(size);
  writing_ = target_ = checked_ring(head.writing);
  ring_words& words = head.rings[writing_];
  at_ = load(words.tail, std::memory_order_relaxed);
  const auto room_behind = [&](ring_position free_to) {
    const std::uint32_t used = at_.units - free_to.units;
    if (used > units_of(writing_)) throw_damaged("a ring holds more than it can");
    return units_of(writing_) - used;
  };
  std::uint32_t room = room_behind(load(words.seen_head, std::memory_order_relaxed));
  if (need > room) {
    // Acquired: the process that freed the memory has read what was in it.
    const std::uint64_t free_to = words.head.load(std::memory_order_acquire);
    room = room_behind(ring_position::of(free_to));
    words.seen_head.store(free_to, std::memory_order_relaxed);
  }
  if (need > room) {
    do ++target_;
    while (target_ < ring_head::ring_count && need > units_of(target_));
    // Who says that there is a large ring must have paid for it, before a larger one is made.
    in_.memory_.at(writing_);
    in_.memory_.allocate(target_);
    // No process looks at a ring behind `writing`: they can be made anew after each kill of a producer here.
    at_.units = 0;
    for (std::uint32_t each = writing_ + 1; each <= target_; ++each) {
      ring_words& fresh = head.rings[each];
      for (position_word* const word :
           {&fresh.tail, &fresh.seen_next, &fresh.seen_head, &fresh.next, &fresh.head, &fresh.seen_tail})
        word->store(at_.word(), std::memory_order_relaxed);
    }
  }
  place_ = place_of(in_.memory_.at(target_), target_, at_);
}

std::uint64_t ring::producer::take_serial() noexcept {
  serial_ = in_.head().serial.load(std::memory_order_relaxed) + 1;
  in_.head().serial.store(serial_, std::memory_order_release);
  return serial_;
}

void ring::producer::commit(std::span<const std::byte> bytes, record_facts facts) noexcept {
  if (serial_ == 0) take_serial();
  const record_head record{bytes.size(), facts.handles, facts.format, serial_, record_head::free};
  std::memcpy(place_, &record, sizeof record);
  detail::copy_bytes(place_ + sizeof record, bytes.data(), bytes.size());
  ring_head& head = in_.head();
  const ring_position after{at_.units + record_units(bytes.size()), at_.items + 1};
  // This store is the whole of it: a process that reads the new tail reads the record too. Sequentially
  // consistent because of those who fall asleep, see eventcount.hpp. In a new ring it is the store of
  // `writing` that shows the item, and all else of the ring with it.
  head.rings[target_].tail.store(after.word(), std::memory_order_seq_cst);
  if (target_ != writing_) head.writing.store(target_, std::memory_order_seq_cst);
  fetch_to_write(place_ + fetched_ahead);
}

// --- consumers ---------------------------------------------------------------------------------------------

ring::consumer::consumer(ring& in, deadline until) : in_(in) {
  if (in.sharing_ != sharing::among_all) {
    holds_ = in.sharing_ == sharing::one_to_one ||
             in.head().taking.lock(at_least_a_heartbeat(until), in.consumers_spin_);
    return;
  }
  bool owner_died = false;
  holds_ = lock(in.head().consumers, until, in.consumers_spin_, owner_died);
  if (!owner_died) return;
  try {
    repair();
  } catch (...) {
    unlock();
    throw;
  }
}

ring::consumer::~consumer() {
  unlock();
}

void ring::consumer::unlock() noexcept {
  if (!std::exchange(holds_, false)) return;
  if (in_.sharing_ == sharing::among_all) unlock_noexcept(in_.head().consumers);
  if (in_.sharing_ == sharing::recallable) in_.head().taking.unlock();
}

bool ring::consumer::find() {
  ring_head& head = in_.head();
  again_ = in_.may_be_returned() && find_returned();
  if (again_) return true;
  for (std::uint32_t left = ring_head::ring_count;; --left) {
    if (left == 0) throw_damaged("there is no end of its rings");
    reading_ = checked_ring(head.reading);
    if (find_in(reading_)) return true;
    // Acquired: in a ring that producers have left nothing is put any more, and what was put is seen.
    if (checked_ring(head.writing) <= reading_) return false;
    if (find_in(reading_)) return true;
    leave(reading_);
  }
}

bool ring::consumer::find_in(std::uint32_t ring) {
  ring_words& words = in_.head().rings[ring];
  at_ = load(words.next, std::memory_order_relaxed);
  ring_position tail = load(words.seen_tail, std::memory_order_relaxed);
  if (at_ == tail) {
    tail = load(words.tail, std::memory_order_acquire);
    if (at_ == tail) return false;
    words.seen_tail.store(tail.word(), std::memory_order_relaxed);
  }
  const std::uint32_t filled = tail.units - at_.units;
  if (filled > units_of(ring) || filled < record_units(0)) throw_damaged("a ring holds more than it can");
  place_ = place_of(in_.memory_.at(ring), ring, at_);
  std::memcpy(&record_, place_, sizeof record_);
  // From here on it is read from the copy.
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (record_.size > std::size_t{filled} * unit - sizeof record_)
    throw_damaged("an item is longer than what there is");
  return true;
}

void ring::consumer::leave(std::uint32_t ring) {
  ring_head& head = in_.head();
  head.reading.store(ring + 1, std::memory_order_seq_cst);
  const ring_words& words = head.rings[ring];
  if (words.head.load(std::memory_order_relaxed) == words.next.load(std::memory_order_relaxed))
    in_.memory_.release(ring);
}

void ring::consumer::take() {
  ring_head& head = in_.head();
  if (again_) {
    set_holder(record_head::free);
    head.returned.fetch_sub(1, std::memory_order_seq_cst);
    head.leased.fetch_sub(1, std::memory_order_seq_cst);
    reclaim(reading_);
    return;
  }
  // A consumer may have been killed as it was taking the item under a lease.
  if (record_.holder != record_head::free) set_holder(record_head::free);
  head.taken_serial = record_.serial;
  ring_words& words = head.rings[reading_];
  const ring_position after{at_.units + record_units(record_.size), at_.items + 1};
  const bool none_before = words.head.load(std::memory_order_relaxed) == at_.word();
  // The first store takes the item, whichever process is killed after it, and makes room by the bounds;
  // sequentially consistent because of those who sleep until there is some. The second gives its memory to
  // the producers, so it comes after the last look at it. Without it, because of a kill or of a lease on an
  // item before this one, they make a larger ring: no process waits for it.
  words.next.store(after.word(), std::memory_order_seq_cst);
  if (none_before) words.head.store(after.word(), std::memory_order_release);
}

}  // namespace ferry::detail
