// SPDX-License-Identifier: BSL-1.0
// Putting records into a lane and taking them out.
#include "pool/lane.hpp"

#include <ferry/error.hpp>

#include "handles/handle_bundle.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <vector>

namespace ferry::detail {

bool lane::put(std::span<const std::byte> record, std::span<const unique_handle> handles, deadline until) {
  // It has no bounds, and is not put into after it has been closed on this side.
  constexpr const char* damaged =
      "the process at the other end of a pool's memory has written nonsense to it";
  try {
    return put_at_once(record, handles, until);
  } catch (const queue_closed&) {
    throw end_of_stream(damaged);
  } catch (const archive_error&) {
    throw end_of_stream(damaged);
  } catch (const limit_exceeded&) {  // a bound that was written into the memory
    throw end_of_stream(damaged);
  }
}

bool lane::put_at_once(std::span<const std::byte> record, std::span<const unique_handle> handles,
                       deadline until) {
  if (handles.empty()) return ring_.put(record, {}, until);
  std::vector<handle_view> carried(handles.begin(), handles.end());
  std::optional<unique_handle> bundle;
  if (carried.size() > most_direct_handles) {
    bundle = pack_handles(carried, until);
    if (!bundle) return false;
    carried.assign(1, *bundle);
  }
  const record_facts facts{.handles = static_cast<std::uint32_t>(handles.size())};
  for (;;) {
    const ring::outcome outcome = ring_.put_by(record.size(), until, [&](ring::producer& to) {
      if (!handles_->send(to.take_serial(), carried)) return false;
      to.commit(record, facts);
      return true;
    });
    if (outcome != ring::outcome::declined) return outcome == ring::outcome::done;
    if (!handles_->wait_for_room(until)) return false;
  }
}

// Answers come from one alone, so the handles of the next one are the first that there are; behind tasks that
// were taken back there may be handles of these.
bool lane::peek_handles(ring::consumer& from, std::vector<unique_handle>& into) {
  if (among_ == sharing::one_to_one) return handles_->peek_first(from.record().serial, into);
  return handles_->peek(from.record().serial, from, into);
}

void lane::drop_handles(ring::consumer& from) noexcept {
  if (among_ == sharing::one_to_one)
    handles_->drop_first(from.record().serial);
  else
    handles_->drop(from.record().serial, from);
}

bool lane::get(pool_record& into, deadline until, budget most) {
  std::uint32_t announced = 0;
  bool lost = false, no_memory = false;
  into.bytes.truncate(0);
  into.handles.clear();
  const ring::outcome outcome = ring_.get_by(
      until,
      [&](ring::consumer& from) {
        announced = from.record().handles;
        if (from.record().size > most.bytes || announced > most.handles)
          throw archive_error("a record of a pool has more bytes or handles than it may");
        if (announced != 0) {
          try {
            lost = !peek_handles(from, into.handles);
          } catch (const system_error&) {  // no descriptors for them
            lost = true;
          }
        }
        const std::span<const std::byte> bytes = from.bytes();
        try {
          into.bytes.append(bytes.data(), bytes.size());
        } catch (const std::bad_alloc&) {  // its title is enough to say whose it was
          into.bytes.append(bytes.data(), std::min(bytes.size(), sizeof(record_title)));
          no_memory = true;
        }
        from.take();
        if (announced != 0) drop_handles(from);
        return true;
      },
      [&] { drop_handles_of_recalled(); });
  if (outcome != ring::outcome::done) return false;
  if (no_memory) throw std::bad_alloc();
  if (into.bytes.size() < sizeof(record_title)) throw archive_error("a record of a pool has no title");
  if (announced != 0) into.handles = claim_handles(std::move(into.handles), announced, lost);
  return true;
}

std::optional<std::size_t> lane::take_back(std::size_t most) {
  // All under one lock: were the other side to take some in between, nobody could say which these are.
  ring::consumer from(ring_, ring::consumer::at_once());
  if (!from.holds()) return std::nullopt;
  std::size_t count = 0;
  bool any_handles = false;
  for (; from.find(); ++count) {
    if (count == most) throw archive_error("there are more records for a worker than it was sent");
    any_handles |= from.record().handles != 0;
    from.take();
  }
  // Whatever comes next is younger than these, by which the other side knows that nobody comes for them.
  if (any_handles) ring::producer(ring_, deadline::immediately()).take_serial();
  return count;
}

void lane::drop_handles_of_recalled() {
  if (handles_->empty()) return;
  // The item with this number may be about to be put, or have been since; all before it are there or not.
  const std::uint64_t last = ring_.head().serial.load(std::memory_order_acquire);
  ring::consumer lock(ring_, deadline::immediately());
  if (lock.holds() && !lock.find()) handles_->drop_older(last);
}

}  // namespace ferry::detail
