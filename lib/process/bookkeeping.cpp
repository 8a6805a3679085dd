// The list of what a fork concerns, and the handlers around forks.
#include "process/bookkeeping.hpp"

#include "os/process.hpp"

#include <atomic>
#include <new>
#include <utility>
#include <vector>

namespace ferry::detail {
namespace {

/// Never destroyed: children may be looked after until the very end of the program.
struct book {
  std::recursive_mutex mutex;
  std::vector<fork_hook*> hooks;
  std::atomic<std::uint64_t> generation{0};  // changes in forked copies alone
};
book& the_book();

}  // namespace

struct fork_handlers {
  static void before() { the_book().mutex.lock(); }
  static void in_parent() { the_book().mutex.unlock(); }
  static void in_child() {
    book& all = the_book();
    ++all.generation;
    for (const fork_hook* const each : all.hooks) each->in_copy_();
    all.hooks.clear();
    // It cannot be unlocked here: it belongs to the thread of the parent that forked. Nobody else can have it
    // now.
    new (&all.mutex) std::recursive_mutex;
  }
};

namespace {

book& the_book() {
  static book& instance = []() -> book& {
    auto* const made = new book;
    os::at_fork(&fork_handlers::before, &fork_handlers::in_parent, &fork_handlers::in_child);
    return *made;
  }();
  return instance;
}

}  // namespace

fork_hook::fork_hook(std::function<void()> in_copy) : in_copy_(std::move(in_copy)) {
  book& all = the_book();
  const std::lock_guard lock(all.mutex);
  all.hooks.push_back(this);
  generation_ = all.generation.load(std::memory_order_relaxed);
}

fork_hook::~fork_hook() {
  book& all = the_book();
  const std::lock_guard lock(all.mutex);
  std::erase(all.hooks, this);
}

bool fork_hook::is_copy() const noexcept {
  return generation_ != the_book().generation.load(std::memory_order_relaxed);
}

std::unique_lock<std::recursive_mutex> hold_off_forks() {
  return std::unique_lock(the_book().mutex);
}

}  // namespace ferry::detail
