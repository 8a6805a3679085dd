// SPDX-License-Identifier: BSL-1.0
// Frames out, frames in, each in as many pieces as the stream takes.
#include "channel/stream_driver.hpp"

#include <ferry/error.hpp>

#include "channel/incoming_frame.hpp"
#include "channel/outgoing_frames.hpp"
#include "channel/receipts.hpp"
#include "os/wait.hpp"

#include <array>
#include <string>

namespace ferry::channel {
namespace {

class stream_driver final : public driver {
 public:
  stream_driver(unique_handle stream, os::endpoint kind)
      : stream_(std::move(stream)), kind_(kind), out_(stream_, kind), in_(stream_, kind, receipts_) {}

  bool send(const message_view& what, deadline until) override {
    if (!what.handles.empty() && carriage() == handle_carriage::none)
      throw transfer_error("a network connection cannot carry the " + std::to_string(what.handles.size()) +
                           " handles of this message: live objects cross between processes of one machine");
    return out_.send(what, until);
  }
  bool hand_over(message& what, deadline until) override {
    out_.check(what);  // bytes alone may look like an envelope that announces handles, and a message may not
    return driver::hand_over(what, until);
  }
  bool flush(deadline until) override { return out_.flush(until); }

  std::optional<message> receive(const limits& limit, deadline until) override {
    for (;;) {
      // Two peers that have both left a frame unfinished get out of it by reading what the other has sent.
      if (out_.unfinished() && !readable(until)) return std::nullopt;
      auto what = in_.receive(limit, out_.unfinished() ? deadline::immediately() : until);
      if (what || !out_.unfinished()) return what;
      if (until.expired()) return std::nullopt;
    }
  }

  bool readable(deadline until) override {
    while (out_.unfinished() && !out_.try_flush()) {
      std::array<os::awaited, 2> both{os::awaited{stream_}, os::awaited{stream_, true}};
      if (!os::wait_any(both, until)) return false;
      if (both[0].ready) return true;
    }
    return os::wait_readable(stream_, until);
  }

  handle_view wait_handle() const noexcept override { return stream_; }
  channel::receipts* receipts() noexcept {
    return kind_ == os::endpoint::local_stream ? &receipts_ : nullptr;
  }
  handle_view end() const override {
    if (in_.begun() || out_.unfinished()) {
      throw transfer_error(
          "a stream connection cannot cross while half a message is received or sent: finish it "
          "with recv or flush");
    }
    return stream_;
  }
  handle_carriage carriage() const noexcept override {
    switch (kind_) {
      case os::endpoint::local_stream:
        return handle_carriage::direct;
      case os::endpoint::pipe:
        return handle_carriage::by_offer;
      default:
        return handle_carriage::none;
    }
  }

 private:
  unique_handle stream_;
  os::endpoint kind_;
  channel::receipts receipts_;
  outgoing_frames out_;
  incoming_frame in_;
};

}  // namespace

receipts* receipts_of(driver& any) noexcept {
  auto* const stream = dynamic_cast<stream_driver*>(&any);
  return stream != nullptr ? stream->receipts() : nullptr;
}

std::unique_ptr<driver> make_stream_driver(unique_handle stream, os::endpoint kind) {
  return std::make_unique<stream_driver>(std::move(stream), kind);
}

}  // namespace ferry::channel
