// SPDX-License-Identifier: BSL-1.0
// HMACs, and the prefixes that name their digests.
#include "channel/authentication.hpp"

#include <ferry/error.hpp>

#include "os/random.hpp"

#include <gsl/narrow>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <utility>

namespace ferry::channel::authentication {
namespace {

constexpr std::size_t random_size = 40;
// Challenges and responses of old versions are known by their length alone: newer ones are longer.
constexpr std::size_t old_challenge_size = 20, old_response_size = 16;

struct digest {
  std::string_view name;
  const EVP_MD* (*algorithm)();
};
constexpr std::array digests{digest{"md5", EVP_md5}, digest{"sha256", EVP_sha256},
                             digest{"sha384", EVP_sha384}, digest{"sha3_256", EVP_sha3_256},
                             digest{"sha3_384", EVP_sha3_384}};
constexpr const digest& md5 = digests[0];

/// Which digest a challenge or a response is for, and what follows its prefix.
struct labelled {
  const digest* algorithm;
  std::string_view rest;
  bool has_prefix;
};

labelled read_label(std::string_view text, bool allow_md5) {
  labelled result{&md5, text, false};
  if (text.size() != old_challenge_size && text.size() != old_response_size) {
    const std::size_t end = text.find('}');
    result.algorithm = nullptr;
    for (const digest& each : digests) {
      if (text.starts_with('{') && end != std::string_view::npos && text.substr(1, end - 1) == each.name) {
        result = {&each, text.substr(end + 1), true};
      }
    }
    if (result.algorithm == nullptr && !text.starts_with('{')) {
      throw authentication_error(
          "authentication failed: what the peer says has nothing to do with keys; has it one at all?");
    }
    if (result.algorithm == nullptr) {
      throw authentication_error(
          "authentication failed: the peer wants a digest that is not one of md5, sha256, "
          "sha384, sha3_256, sha3_384");
    }
  }
  if (result.algorithm == &md5 && !allow_md5) {
    throw authentication_error(
        "authentication failed: the peer wants the digest MD5, as CPython 3.11 and before "
        "do: set allow_md5 if it must be");
  }
  return result;
}

std::string mac(const digest& algorithm, std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (HMAC(algorithm.algorithm(), key.data() != nullptr ? key.data() : "", gsl::narrow<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(),
           &size) == nullptr) {
    throw authentication_error("authentication failed: the digest " + std::string(algorithm.name) +
                               " is not available in this system's OpenSSL");
  }
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

struct own_challenges {
  std::mutex mutex;
  std::set<std::pair<role, std::string>> open;

  static own_challenges& instance() {
    static own_challenges all;
    return all;
  }
};

}  // namespace

bool is_challenge(std::span<const std::byte> bytes) noexcept {
  return std::equal(
      challenge_mark.begin(), challenge_mark.end(), bytes.begin(),
      bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), challenge_mark.size())),
      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

std::string new_challenge() {
  std::string text = "{sha256}";
  text.resize(text.size() + random_size);
  os::fill_random(std::as_writable_bytes(std::span(text)).last(random_size));
  return text;
}

std::string create_response(std::string_view key, std::string_view challenge, bool allow_md5) {
  if (challenge.size() < old_challenge_size) {
    throw authentication_error("authentication failed: the peer's challenge has only " +
                               std::to_string(challenge.size()) + " bytes");
  }
  const labelled label = read_label(challenge, allow_md5);
  std::string response;
  if (label.has_prefix) response = "{" + std::string(label.algorithm->name) + "}";
  return response + mac(*label.algorithm, key, challenge);
}

void verify_response(std::string_view key, std::string_view challenge, std::string_view response,
                     bool allow_md5) {
  const labelled label = read_label(response, allow_md5);
  const std::string expected = mac(*label.algorithm, key, challenge);
  if (label.rest.size() != expected.size() ||
      CRYPTO_memcmp(label.rest.data(), expected.data(), expected.size()) != 0) {
    throw authentication_error("authentication failed: the peer has another key");
  }
}

open_challenge::open_challenge(role of) : role_(of), text_(new_challenge()) {
  auto& own = own_challenges::instance();
  const std::lock_guard lock(own.mutex);
  own.open.emplace(role_, text_);
}

open_challenge::~open_challenge() {
  auto& own = own_challenges::instance();
  const std::lock_guard lock(own.mutex);
  own.open.erase({role_, text_});
}

bool is_own_challenge(role of, std::string_view challenge) {
  auto& own = own_challenges::instance();
  const std::lock_guard lock(own.mutex);
  return own.open.contains({of, std::string(challenge)});
}

}  // namespace ferry::channel::authentication
