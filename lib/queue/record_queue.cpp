// SPDX-License-Identifier: BSL-1.0
// The protocol of handles beside a ring: which packet belongs to which record, and which to none any more.
#include "queue/record_queue.hpp"

#include <ferry/error.hpp>

#include <algorithm>
#include <new>

namespace ferry::detail {

/// @returns false when the record was none that can be given: it is gone, and the next one is to be looked at
bool record_queue::take(ring::consumer& from, message& into, const taking& how, taken& got, bool& lost,
                        bool& no_memory) {
  const record_head record = from.record();
  got.bytes = record.size;
  got.handles = record.handles;
  if (record.size > how.most.bytes || record.handles > how.most.handles) {  // before a byte of it is copied
    got.what = taken::kind::too_large;
    // What an end that is not trusted has put there stays: dropping its handles may take as long as it likes.
    if (among_ != sharing::among_all) return true;
    from.take();
    if (record.handles != 0) drop_handles(from, record.serial);
    return true;
  }
  if (record.handles != 0) {
    try {
      lost = !peek_handles(from, into.handles());
    } catch (const system_error&) {  // there are no descriptors for them
      if (!how.least) throw;
      lost = true;
    }
    // Without them it cannot be used: they went with a consumer that was killed.
    if (lost && !how.least) {
      from.take();
      return false;
    }
  }
  const std::span<const std::byte> bytes = from.bytes();
  buffer& block = into.storage();
  try {
    block.append(bytes.data(), bytes.size());
  } catch (const std::bad_alloc&) {
    if (!how.least) throw;
    block.append(bytes.data(), std::min(bytes.size(), *how.least));
    no_memory = true;
  }
  into.set_format(record.format);
  got.what = taken::kind::record;
  if (how.under_lease) {
    got.lease = from.take_leased();
  } else {
    from.take();
    if (record.handles != 0) drop_handles(from, record.serial);
  }
  return true;
}

std::optional<std::size_t> record_queue::recall(std::size_t most) {
  // All under one lock: were the other side to take some in between, no process could say which these are.
  ring::consumer from(ring_, ring::consumer::at_once());
  if (!from.holds()) return std::nullopt;
  std::size_t count = 0;
  bool any_handles = false;
  for (; from.find(); ++count) {
    if (count == most) throw archive_error("there are more records to be recalled than were put");
    any_handles |= from.record().handles != 0;
    from.take();
  }
  // Whatever comes next is younger than these, by which the other side knows that their handles are for no
  // record.
  if (any_handles) ring::producer(ring_, deadline::immediately()).take_serial();
  return count;
}

void record_queue::claim(message& into, const taken& got, bool lost) {
  try {
    into.handles() = claim_handles(std::move(into.handles()), got.handles, lost);
  } catch (...) {
    if (got.lease.serial == 0) throw;
    {
      ring::consumer from(ring_, deadline::never());
      end_lease(from, got.lease);
    }
    after_lease();
    throw;
  }
}

void record_queue::end_lease(ring::consumer& from, const lease_ticket& lease) {
  if (from.end_lease(lease, false) && lease.handles != 0) drop_handles(from, lease.serial);
}

void record_queue::after_lease() {
  ring_head& head = ring_.head();
  // At the end all are to know of it.
  if (ring_.closed() && ring_.ended())
    head.for_items.notify_all();
  else if (!ring_.looks_empty())
    head.for_items.notify(1);
  if (ring_.all_done()) head.for_done.notify_all();
}

// Where one end puts and one takes, the handles of the next record are the first that there are; behind
// records that were recalled there may be handles of these.
bool record_queue::peek_handles(ring::consumer& from, std::vector<unique_handle>& into) {
  if (among_ == sharing::one_to_one) return handles_->peek_first(from.record().serial, into);
  return handles_->peek(from.record().serial, from, into);
}

void record_queue::drop_handles(ring::consumer& from, std::uint64_t serial) noexcept {
  if (among_ == sharing::one_to_one)
    handles_->drop_first(serial);
  else
    handles_->drop(serial, from);
}

// Handles beside a ring without records are what killed processes left there. Who has the other end of what
// they are may wait for their being closed.
bool record_queue::drop_abandoned() {
  if (among_ != sharing::among_all || handles_->empty() || !ring_.looks_empty()) return false;
  const ring::consumer consumers(ring_, deadline::immediately());
  if (!consumers.holds()) return false;
  const ring::producer producers(ring_, deadline::immediately());
  if (!producers.holds() || !ring_.looks_empty() || consumers.is_any_leased() || handles_->empty())
    return false;
  handles_->drop_all();
  return true;
}

void record_queue::drop_handles_of_recalled() {
  if (among_ == sharing::among_all || handles_->empty()) return;
  // The record with this number may be about to be put, or have been since; all before it are there or not.
  const std::uint64_t last = ring_.head().serial.load(std::memory_order_acquire);
  ring::consumer lock(ring_, deadline::immediately());
  if (lock.holds() && !lock.find()) handles_->drop_older(last);
}

}  // namespace ferry::detail
