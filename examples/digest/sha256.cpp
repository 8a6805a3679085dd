// SPDX-License-Identifier: BSL-1.0
// The digest of an open file, by OpenSSL's libcrypto.
#include "sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

namespace digest {

namespace {

void check(bool good) {
  if (!good) throw std::runtime_error("libcrypto cannot compute SHA-256");
}

std::string hexadecimal(std::span<const unsigned char> bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned byte : bytes) {
    text += digits[byte / 16];
    text += digits[byte % 16];
  }
  return text;
}

}  // namespace

std::string sha256(ferry::file& content) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  check(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);

  std::vector<std::byte> block(128 * 1024);
  while (const std::size_t size = content.read(block))
    check(EVP_DigestUpdate(context.get(), block.data(), size) == 1);

  std::array<unsigned char, 32> digest;
  check(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return hexadecimal(digest);
}

}  // namespace digest
