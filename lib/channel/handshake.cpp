// SPDX-License-Identifier: BSL-1.0
// The handshake as a sequence of steps.
#include "channel/handshake.hpp"

#include <ferry/error.hpp>

#include <string_view>
#include <utility>

namespace ferry::channel {
namespace {

void send_text(driver& with, std::string_view text) {
  // Far less than any carrier holds: it never blocks, and if it did, the carrier would keep it.
  with.send({.bytes = std::as_bytes(std::span(text))}, deadline::immediately());
}

std::optional<std::string> receive_text(driver& with, deadline until) {
  limits limit;
  limit.bytes = authentication::longest_message;
  limit.handles = 0;
  const auto what = with.receive(limit, until);
  if (!what) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(what->bytes().data()), what->bytes().size());
}

}  // namespace

handshake::handshake(authentication::role side, std::string key, bool allow_md5)
    : side_(side),
      key_(std::move(key)),
      allow_md5_(allow_md5),
      next_(side == authentication::role::listener ? step::give_challenge : step::await_challenge) {}

bool handshake::advance(driver& with, deadline until) {
  try {
    while (next_ != step::done) {
      if (!take_step(with, until)) return false;
      next_ = after(next_);
      ++steps_taken_;
    }
    return true;
  } catch (const authentication_error&) {
    throw;
  } catch (const error& problem) {
    throw authentication_error(std::string("authentication failed: ") + problem.what());
  }
}

handshake::step handshake::after(step finished) const {
  const bool listens = side_ == authentication::role::listener;
  switch (finished) {
    case step::give_challenge:
      return step::await_response;
    case step::await_response:
      return listens ? step::await_challenge : step::done;
    case step::await_challenge:
      return step::await_verdict;
    default:
      return listens ? step::done : step::give_challenge;
  }
}

bool handshake::take_step(driver& with, deadline until) {
  if (next_ == step::give_challenge) {
    challenge_.emplace(side_);
    send_text(with, std::string(authentication::challenge_mark) + challenge_->text());
    return true;
  }
  const auto said = receive_text(with, until);
  if (!said) return false;
  std::string_view text = *said;
  switch (next_) {
    case step::await_response:
      try {
        authentication::verify_response(key_, challenge_->text(), text, allow_md5_);
      } catch (const authentication_error&) {
        send_text(with, authentication::failure);
        throw;
      }
      challenge_.reset();
      send_text(with, authentication::welcome);
      return true;
    case step::await_challenge:
      if (!text.starts_with(authentication::challenge_mark)) {
        throw authentication_error(
            "authentication failed: the peer sent no challenge, as one without a key does: give it the same "
            "key, as listener_options::authkey or connect_options::authkey");
      }
      text.remove_prefix(authentication::challenge_mark.size());
      if (authentication::is_own_challenge(side_, text)) {
        throw authentication_error("authentication failed: the peer gave back a challenge of this process");
      }
      send_text(with, authentication::create_response(key_, text, allow_md5_));
      return true;
    default:
      if (text != authentication::welcome) {
        throw authentication_error("authentication failed: the peer did not accept the key");
      }
      return true;
  }
}

}  // namespace ferry::channel
