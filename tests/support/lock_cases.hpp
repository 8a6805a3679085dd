// SPDX-License-Identifier: BSL-1.0
// Common parts of the tests of locks.
#pragma once

#include <ferry/error.hpp>
#include <ferry/mutex.hpp>

#include "support/child.hpp"
#include "support/exceptions.hpp"

#include <csignal>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <unistd.h>

namespace ferry::test {

/// Kills a child that holds the lock. @returns its process id
template <class Lock>
pid_t die_holding(const Lock& lock) {
  forked_child owner([&] {
    lock.lock();
    return ::raise(SIGKILL);
  });
  owner.wait();
  return owner.pid();
}

/// Kills a child that was told of a death, and keeps the lock.
template <class Lock>
pid_t die_of_keeping(const Lock& lock) {
  forked_child owner([&] {
    try {
      lock.lock();
    } catch (const owner_died& died) {
      died.keep();
      ::raise(SIGKILL);
    }
    return 1;
  });
  owner.wait();
  return owner.pid();
}

}  // namespace ferry::test
