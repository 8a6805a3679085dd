// SPDX-License-Identifier: BSL-1.0
// A start by a forkserver, step by step.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/error.hpp>
#include <ferry/process.hpp>

#include "os/process.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/identity.hpp"
#include "process/zygote.hpp"
#include "support/child.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ferry::test {

/// The start message of a child that is to run `Function` with one argument.
template <auto Function, class Argument>
message start_message(Argument argument) {
  const detail::held_call<fn_t<Function>, detail::parameters<Argument>, Argument> what({},
                                                                                       std::move(argument));
  detail::start_request request;
  request.callable = what.target().name();
  request.callable_distance = what.target().distance();
  request.parent = os::open_own_process();
  forking_oarchive archive("ferry.start");
  archive << request;
  what.write(archive);
  return archive.finish();
}

/// What a client of a forkserver does in a start.
class raw_start {
 public:
  /// Sends the request.
  /// @param start  goes along; of none of it the server knows anything when it is empty
  raw_start(handle_view requests, const message& start) {
    const detail::fork_request request{.start_size = static_cast<std::uint32_t>(start.bytes().size()),
                                       .start_handles = static_cast<std::uint32_t>(start.handles().size())};
    const std::array parts{std::as_bytes(std::span(&request, 1)), start.bytes()};
    std::vector<handle_view> handles{report_.second, channel_.second};
    handles.insert(handles.end(), start.handles().begin(), start.handles().end());
    os::send_packet(requests, parts, handles, deadline::never());
    report_.second.reset();
    channel_.second.reset();
  }

  /// @returns nothing when there will be no reply
  std::optional<detail::fork_reply> reply() {
    detail::fork_reply reply;
    if (!receive(reply)) return std::nullopt;
    return reply;
  }
  /// How many handles came with it.
  std::size_t handle_count() const noexcept { return handles_.size(); }
  /// What a refusal says.
  const std::string& text() const noexcept { return text_; }
  /// @returns nothing when it will not be told
  std::optional<os::ending> ending() {
    os::ending ending;
    if (!receive(ending)) return std::nullopt;
    return ending;
  }
  void let_go() {
    const std::array<std::byte, 1> word{};
    const std::array parts{std::span<const std::byte>(word)};
    os::send_packet(channel_.first, parts, {}, deadline::never());
  }
  void give_up() { channel_.first.reset(); }
  /// For a copy of this process that is another party.
  void close() {
    report_.first.reset();
    channel_.first.reset();
  }

 private:
  template <class What>
  bool receive(What& what) {
    text_.resize(detail::fork_reply::most_text);
    const std::array parts{std::as_writable_bytes(std::span(&what, 1)),
                           std::as_writable_bytes(std::span(text_))};
    const auto came = os::receive_packet(report_.first, parts, handles_, deadline::after(patience));
    if (!came || came->bytes < sizeof what) return false;
    text_.resize(came->bytes - sizeof what);
    return true;
  }

  std::string text_;
  std::vector<unique_handle> handles_;
  os::handle_pair report_ = os::packet_socket_pair(), channel_ = os::packet_socket_pair();
};

}  // namespace ferry::test
