// SPDX-License-Identifier: BSL-1.0
// The semaphores of the system that have a name, for programs that know no other ones.
#pragma once

#include <ferry/deadline.hpp>

#include <cstdint>
#include <string>

namespace ferry::os {

/// One that is open here; closed when dropped. The system knows nothing of who holds it.
class named_semaphore {
 public:
  /// @throws system_error  file_exists when the name is taken
  static named_semaphore create(const std::string& name, unsigned value);
  /// @throws system_error  no_such_file_or_directory when no semaphore has that name
  static named_semaphore open(const std::string& name);
  /// Removes a name; those who have it open keep the semaphore.
  /// @throws system_error  no_such_file_or_directory when it is gone already
  static void unlink(const std::string& name);

  named_semaphore(named_semaphore&& other) noexcept;
  named_semaphore& operator=(named_semaphore&&) = delete;
  ~named_semaphore();

  bool try_acquire() const noexcept;
  /// Looks again at each `heartbeat`: the wake-up of one who was killed is lost for the others.
  bool acquire(deadline until) const;
  /// @throws system_error  value_too_large when it is at the most it can be
  void release() const;
  int value() const noexcept;

 private:
  explicit named_semaphore(void* native) noexcept : native_(native) {}

  void* native_;
};

/// The largest value that such a semaphore can have.
std::int64_t most_of_a_named_semaphore() noexcept;

}  // namespace ferry::os
