// SPDX-License-Identifier: BSL-1.0
// Proving that one knows a key without showing it: CPython's challenge and response.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::channel {

/// Bytes of the handshake, byte for byte as `multiprocessing.connection` of CPython 3.12 and later has them.
/// A challenge is `{digest}` and 40 random bytes; the response is `{digest}` and the HMAC, with the key, of
/// the whole challenge. Older versions have challenges of 20 bytes without a prefix, and always answer with
/// 16 bytes of HMAC-MD5 without a prefix. Digests: md5, sha256, sha384, sha3_256, sha3_384.
namespace authentication {

inline constexpr std::string_view challenge_mark = "#CHALLENGE#";
/// Whether a message is a challenge. No message of Ferry's own begins like one.
bool is_challenge(std::span<const std::byte> bytes) noexcept;
inline constexpr std::string_view welcome = "#WELCOME#";
inline constexpr std::string_view failure = "#FAILURE#";
/// Nothing in the handshake is longer, in bytes.
inline constexpr std::size_t longest_message = 256;

/// A new challenge for SHA-256, without its mark.
std::string new_challenge();

/// @param allow_md5  whether to answer a challenge that asks for MD5, as those of CPython 3.11 and before do
/// @throws authentication_error  when the digest is unknown or not allowed, or the challenge too short
std::string create_response(std::string_view key, std::string_view challenge, bool allow_md5);

/// @throws authentication_error  unless `response` proves knowledge of the key. Takes as long whichever byte
/// is wrong
void verify_response(std::string_view key, std::string_view challenge, std::string_view response,
                     bool allow_md5);

/// Which side of a connection one is: both give a challenge and answer one.
enum class role { listener, client };

/// A challenge that this process waits to have answered. As long as it does, it answers it to no peer while
/// in the same role: a peer without the key could otherwise have it answered by way of another connection.
class open_challenge {
 public:
  explicit open_challenge(role of);
  ~open_challenge();
  open_challenge(const open_challenge&) = delete;
  open_challenge& operator=(const open_challenge&) = delete;

  const std::string& text() const noexcept { return text_; }

 private:
  role role_;
  std::string text_;
};
/// Whether `challenge` is one that this process, in that role, waits to have answered.
bool is_own_challenge(role of, std::string_view challenge);

}  // namespace authentication
}  // namespace ferry::channel
