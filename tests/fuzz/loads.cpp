// SPDX-License-Identifier: BSL-1.0
// Bytes from anywhere, read as a value of a type that uses everything, as several other types, and
// dynamically.
//
// The first byte of the input chooses what it is read as; the rest is the body of a message, which gets a
// matching head, or a whole message. The outcome is a value or a ferry::error; anything else is a finding.
#include "archive/envelope.hpp"
#include "archive/everything.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace {

using namespace ferry;
using namespace ferry::test;

constexpr unsigned whole_message = 0x01, overriding = 0x02, dynamic = 0x04, with_version = 0x08;
constexpr unsigned type_shift = 4;

/// A message of the name with this body.
std::vector<std::byte> with_head(const std::string& name, std::span<const std::byte> body, unsigned mode) {
  detail::envelope head;
  head.name_size = static_cast<std::uint16_t>(name.size());
  head.type_hash = detail::hash_name(name);
  head.body_size = body.size();
  if ((mode & overriding) != 0) head.flags |= detail::envelope::flag_overrides;
  head.version_count = (mode & with_version) != 0 ? 1 : 0;
  std::vector<std::byte> bytes;
  const auto put = [&bytes](const void* from, std::size_t size) {
    const auto* const begin = static_cast<const std::byte*>(from);
    bytes.insert(bytes.end(), begin, begin + size);
  };
  put(&head, sizeof head);
  const std::uint64_t mask = all::overriding_table().override_mask();
  if ((mode & overriding) != 0) put(&mask, sizeof mask);
  put(name.data(), name.size());
  put(body.data(), body.size());
  if ((mode & with_version) != 0) {
    const detail::class_version version{detail::identity_of<all::versioned>().hash, 3};
    put(&version, sizeof version);
  }
  return bytes;
}

template <class T>
void read(const std::string& name, std::span<const std::byte> input, unsigned mode) {
  const archive_options options = all::options((mode & overriding) != 0);
  std::vector<std::byte> made;
  if ((mode & whole_message) == 0) {
    made = with_head(name, input, mode);
    input = made;
  }
  try {
    if ((mode & dynamic) != 0) {
      buffer copy;
      copy.append(input.data(), input.size());
      loads_any(message(std::move(copy)), options);
    } else {
      loads<T>(input, options);
    }
  } catch (const error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned mode = data[0];
  const auto input = std::as_bytes(std::span(data + 1, size - 1));
  switch (mode >> type_shift) {
    case 0:
      read<std::vector<all::versioned>>("classes", input, mode);
      break;
    case 1:
      read<std::unique_ptr<all::animal>>("pet", input, mode);
      break;
    case 2:
      read<std::string>("string", input, mode);
      break;
    default:
      read<all::everything>("everything", input, mode);
  }
  return 0;
}
