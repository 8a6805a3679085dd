// SPDX-License-Identifier: BSL-1.0
// Offers on the wire: 36 bytes each, numbers as they are in memory, since both sides are on one machine.
#include "handles/offered_handles.hpp"

#include <ferry/error.hpp>

#include <gsl/span>

#include <array>
#include <cstring>
#include <exception>
#include <string>

namespace ferry::detail {
namespace {

constexpr std::size_t offer_size = 36;

/// Calls `move(memory, size)` for each part of an offer, in the order of the wire.
template <class Offer, class Move>
void for_each_part(Offer& what, Move move) {
  move(&what.process, sizeof what.process);
  move(&what.started, sizeof what.started);
  move(&what.box, sizeof what.box);
  move(what.token.data(), what.token.size());
}

offer read_offer(gsl::span<const std::byte> from) {
  offer what;
  for_each_part(what, [&](void* part, std::size_t size) {
    std::memcpy(part, from.first(size).data(), size);
    from = from.subspan(size);
  });
  return what;
}

}  // namespace

outgoing_offers::outgoing_offers(std::span<const unique_handle> handles) {
  offers_.reserve(handles.size());
  try {
    for (const unique_handle& each : handles) offers_.push_back(make_offer(each));
  } catch (...) {
    for (const offer& each : offers_) withdraw_offer(each);
    throw;
  }
}

outgoing_offers::~outgoing_offers() {
  for (const offer& each : offers_) withdraw_offer(each);
}

buffer outgoing_offers::behind(std::span<const std::byte> bytes) const {
  buffer all;
  all.append(bytes.data(), bytes.size());
  for (const offer& each : offers_) {
    for_each_part(each, [&](const void* part, std::size_t size) { all.append(part, size); });
  }
  return all;
}

std::vector<unique_handle> take_offered(buffer& bytes, std::size_t count) {
  if (count > bytes.size() / offer_size) {
    throw archive_error("a message of " + std::to_string(bytes.size()) + " bytes announces " +
                        std::to_string(count) + " handles, but the offers of them are not in it");
  }
  const std::size_t end = bytes.size() - count * offer_size;
  std::vector<unique_handle> handles;
  std::exception_ptr problem;
  for (std::size_t i = 0; i < count; ++i) {
    try {
      handles.push_back(
          take_offer(read_offer(gsl::span(bytes.bytes()).subspan(end + i * offer_size, offer_size))));
    } catch (const transfer_error&) {
      problem = std::current_exception();
    }
  }
  if (problem) std::rethrow_exception(problem);
  bytes.truncate(end);
  return handles;
}

}  // namespace ferry::detail
