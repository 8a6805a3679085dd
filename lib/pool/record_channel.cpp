// SPDX-License-Identifier: BSL-1.0
// Putting records into a channel and taking them out.
#include "pool/record_channel.hpp"

#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/error.hpp>

#include <string>

namespace ferry::detail {

bool record_channel::put(const message_view& record, deadline until) {
  // It has no bounds, and is not put into after it has been closed on this side.
  constexpr const char* damaged =
      "the process at the other end of a pool's memory has written nonsense to it";
  try {
    return records_.put(record, until, [] {});
  } catch (const queue_closed&) {
    throw end_of_stream(damaged);
  } catch (const archive_error&) {
    throw end_of_stream(damaged);
  } catch (const limit_exceeded&) {  // a bound that was written into the memory
    throw end_of_stream(damaged);
  }
}

bool record_channel::get(message& into, deadline until, const limits& most) {
  // A title is enough to say whose record it was.
  const record_queue::taken got =
      records_.get(into, {.most = most, .least = sizeof(record_title)}, until, [] {});
  if (got.what == record_queue::taken::kind::dropped)
    throw archive_error("a record of a pool has " + std::to_string(got.bytes) + " bytes and " +
                        std::to_string(got.handles) + " handles, and may have " + std::to_string(most.bytes) +
                        " and " + std::to_string(most.handles));
  if (got.what == record_queue::taken::kind::none) return false;
  if (into.bytes().size() < sizeof(record_title)) throw archive_error("a record of a pool has no title");
  return true;
}

std::optional<std::size_t> record_channel::take_back(std::size_t most) {
  ring& items = records_.items();
  // All under one lock: were the other side to take some in between, nobody could say which these are.
  ring::consumer from(items, ring::consumer::at_once());
  if (!from.holds()) return std::nullopt;
  std::size_t count = 0;
  bool any_handles = false;
  for (; from.find(); ++count) {
    if (count == most) throw archive_error("there are more records for a worker than it was sent");
    any_handles |= from.record().handles != 0;
    from.take();
  }
  // Whatever comes next is younger than these, by which the other side knows that nobody comes for them.
  if (any_handles) ring::producer(items, deadline::immediately()).take_serial();
  return count;
}

}  // namespace ferry::detail
