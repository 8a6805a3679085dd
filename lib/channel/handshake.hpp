// SPDX-License-Identifier: BSL-1.0
// The steps in which two ends of a connection prove to each other that they know the key.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/driver.hpp>

#include "channel/authentication.hpp"

#include <memory>
#include <optional>
#include <string>

namespace ferry::channel {

/// One side of the handshake of `authentication`: the listener gives its challenge first and then answers,
/// the client the other way round. Goes on as far as messages come, so that a listener can have many under
/// way.
class handshake {
 public:
  handshake(authentication::role side, std::string key, bool allow_md5);

  /// @param with  the connection; the same every time
  /// @returns false when `until` passed and the peer has to say more
  /// @throws authentication_error  the peer does not know the key, breaks the rules, or went away
  bool advance(driver& with, deadline until);

  /// How far it has come: more than before when the peer has said something since.
  int steps_taken() const noexcept { return steps_taken_; }

 private:
  enum class step { give_challenge, await_response, await_challenge, await_verdict, done };

  bool take_step(driver& with, deadline until);
  step after(step finished) const;

  authentication::role side_;
  std::string key_;
  bool allow_md5_;
  step next_;
  int steps_taken_ = 0;
  std::optional<authentication::open_challenge> challenge_;
};

}  // namespace ferry::channel
