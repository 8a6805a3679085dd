// SPDX-License-Identifier: BSL-1.0
// Handles over a carrier of bytes alone: as offers behind the bytes of their message.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/handle.hpp>
#include <ferry/offer.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace ferry::detail {

/// Offers of handles that are taken back unless the message went out.
class outgoing_offers {
 public:
  /// @throws transfer_error, system_error  as `make_offer`; none is left then
  explicit outgoing_offers(std::span<const unique_handle> handles);
  ~outgoing_offers();
  outgoing_offers(const outgoing_offers&) = delete;
  outgoing_offers& operator=(const outgoing_offers&) = delete;

  /// `bytes`, and the offers behind them.
  buffer behind(std::span<const std::byte> bytes) const;
  /// The message is out.
  void sent() noexcept { offers_.clear(); }

 private:
  std::vector<offer> offers_;
};

/// Takes the `count` handles offered at the end of a message, and the offers off its bytes.
/// @throws transfer_error  when one cannot be taken; the others are taken and closed
/// @throws archive_error  when the bytes are too few
std::vector<unique_handle> take_offered(buffer& bytes, std::size_t count);

}  // namespace ferry::detail
