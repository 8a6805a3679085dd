// SPDX-License-Identifier: BSL-1.0
// Threads whose stack is as small, or as large, as a test wants it.
#pragma once

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <pthread.h>
#include <utility>

namespace ferry::test {

/// Runs `action` in a thread with a stack of so many bytes. What it throws ends the program.
template <class Action>
void on_stack_of(std::size_t size, Action action) {
  pthread_attr_t attributes;
  BOOST_REQUIRE(pthread_attr_init(&attributes) == 0);
  BOOST_REQUIRE(pthread_attr_setstacksize(&attributes, size) == 0);
  pthread_t thread{};
  const auto run = [](void* what) -> void* {
    (*static_cast<Action*>(what))();
    return nullptr;
  };
  const int failed = pthread_create(&thread, &attributes, run, &action);
  pthread_attr_destroy(&attributes);
  BOOST_REQUIRE(failed == 0);
  BOOST_REQUIRE(pthread_join(thread, nullptr) == 0);
}

template <class Action>
void on_small_stack(Action action) {
  on_stack_of(std::size_t{256} << 10U, std::move(action));
}

}  // namespace ferry::test
