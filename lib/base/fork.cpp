// SPDX-License-Identifier: BSL-1.0
// Fork handlers: one set for the process, and the hooks that it calls.
#include "base/fork.hpp"

#include <boost/container/static_vector.hpp>
#include <gsl/assert>

#include <atomic>
#include <new>
#include <utility>
#include <vector>

#ifndef _WIN32
#  include <pthread.h>
#endif

namespace ferry::detail {
namespace {

constinit std::atomic<std::uint64_t> generation{0};
constinit std::atomic<std::uint64_t> forks{0};

/// Never destroyed: children may be looked after until the very end of the program.
struct book {
  std::recursive_mutex mutex;
  std::vector<fork_hook*> hooks;
  boost::container::static_vector<void (*)(), 8> always;
};
book& the_book();

}  // namespace

struct fork_handlers {
  static void before() {
    the_book().mutex.lock();
    forks.fetch_add(1, std::memory_order_relaxed);
  }
  static void in_parent() { the_book().mutex.unlock(); }
  static void in_child() {
    book& all = the_book();
    generation.fetch_add(1, std::memory_order_relaxed);
    for (void (*const each)() : all.always) each();
    for (const fork_hook* const each : all.hooks) each->in_copy_();
    // Some may lie on stacks of threads that this process has not.
    all.hooks.clear();
    // It cannot be unlocked here: it belongs to the thread of the parent that forked. No other can have it
    // now.
    new (&all.mutex) std::recursive_mutex;
  }
  static void install() noexcept {
#ifndef _WIN32  // where there is no fork
    Ensures(::pthread_atfork(&before, &in_parent, &in_child) == 0);
#endif
  }
};

namespace {

book& the_book() {
  static book& instance = []() -> book& {
    auto* const made = new book;
    fork_handlers::install();
    return *made;
  }();
  return instance;
}

}  // namespace

std::uint64_t fork_generation() noexcept {
  static_cast<void>(the_book());
  return generation.load(std::memory_order_relaxed);
}

std::uint64_t fork_count() noexcept {
  static_cast<void>(the_book());
  return forks.load(std::memory_order_relaxed);
}

void in_each_copy(void (*in_copy)()) noexcept {
  book& all = the_book();
  const std::lock_guard lock(all.mutex);
  Expects(all.always.size() < all.always.capacity());
  all.always.push_back(in_copy);
}

fork_hook::fork_hook(std::function<void()> in_copy) : in_copy_(std::move(in_copy)) {
  book& all = the_book();
  const std::lock_guard lock(all.mutex);
  all.hooks.push_back(this);
}

fork_hook::~fork_hook() {
  book& all = the_book();
  const std::lock_guard lock(all.mutex);
  std::erase(all.hooks, this);
}

std::unique_lock<std::recursive_mutex> hold_off_forks() {
  return std::unique_lock(the_book().mutex);
}

}  // namespace ferry::detail
