// What the tests that kill processes share: messages that show whether they are whole.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/handle.hpp>

#include "support/child.hpp"
#include "support/stepping.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ferry::test {

/// A message that says what must be in it.
struct parcel {
  std::uint32_t writer = 0;
  std::uint32_t number = 0;
  std::uint64_t checksum = 0;  ///< of `body`, and of what is before it
  std::vector<std::uint64_t> body;
  std::vector<unique_handle> handles;  ///< all to /dev/null

  parcel() = default;
  /// @param size  of the body in bytes
  parcel(std::uint32_t number, std::size_t size, std::size_t handle_count, std::uint32_t writer = 0);

  bool is_whole() const;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& writer& number& checksum& body& handles;
  }

 private:
  std::uint64_t expected_checksum() const;
};

/// Fails the test unless `got` is whole and has that number.
void check_parcel(const parcel& got, std::uint32_t number);

/// The next one, within `patience`.
parcel take(connection& from);

/// Prints how much was killed.
void report(const kill_figures& figures);

}  // namespace ferry::test
