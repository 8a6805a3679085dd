// SPDX-License-Identifier: BSL-1.0
// Common parts of the tests that kill processes: messages that show whether they are whole.
#pragma once

#include <ferry/connection.hpp>
#include <ferry/deadline.hpp>
#include <ferry/handle.hpp>
#include <ferry/shared_value.hpp>

#include "support/child.hpp"
#include "support/stepping.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace ferry::test {

// Sizes of a body, in bytes.
inline constexpr std::size_t small = 64;
/// Not in a packet, nor in the first ring of a queue.
inline constexpr std::size_t large = std::size_t{200} << 10U;

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

/// How many processes a test that kills at random is to kill: FERRY_SOAK_KILLS, or without it `usual`, fewer
/// with AddressSanitizer.
std::size_t kills_to_make(std::size_t usual);

/// Another process that does something over and over until this is dropped.
class other_process {
 public:
  template <class Work>
  explicit other_process(Work work)
      : stop_(false), child_([work, stop = stop_]() mutable {
          while (!*stop) work();
          return 0;
        }) {}
  ~other_process() {
    *stop_ = true;
    BOOST_TEST(child_.wait() == 0);
  }
  other_process(const other_process&) = delete;
  other_process& operator=(const other_process&) = delete;

 private:
  shared_value<std::atomic<bool>> stop_;
  forked_child child_;
};

/// A thread of this process that waits in something.
class sleeper {
 public:
  /// Returns when the thread sleeps in `work`, or has been through it.
  explicit sleeper(std::function<void()> work);
  /// Returns when `work` is done, which is before it gives up by itself, and throws what it threw.
  /// @pre `work` waits for `patience`
  void wake_up();

 private:
  std::atomic<int> thread_{0};
  std::future<void> sleep_;  // after what the thread uses
};

}  // namespace ferry::test
