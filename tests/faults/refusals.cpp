// SPDX-License-Identifier: BSL-1.0
// The system's calls and the heap, with a countdown to the one that fails.
#include "faults/refusals.hpp"

#include <ferry/error.hpp>

#include "os/linux/system_calls.hpp"
#include "support/child.hpp"
#include "support/leaks.hpp"

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <utility>

namespace {

constexpr std::size_t nothing = std::numeric_limits<std::size_t>::max();

/// How many more things are given before one is refused. Only on this thread.
thread_local std::size_t to_give = nothing;
thread_local std::size_t asked_for = 0;

bool is_refused() noexcept {
  ++asked_for;
  if (to_give == nothing || to_give-- > 0) return false;
  to_give = nothing;
  return true;
}

/// One entry of the table of system calls, with which its calls fail with `Code` when it is their turn.
template <auto Entry, int Code>
struct refusable;

template <class Result, class... Arguments, Result (*ferry::os::system_calls::*Entry)(Arguments...), int Code>
struct refusable<Entry, Code> {
  static inline Result (*original)(Arguments...) = nullptr;

  static Result call(Arguments... arguments) {
    if (!is_refused()) return original(arguments...);
    errno = Code;
    return (Result)std::intptr_t{-1};  // MAP_FAILED, where it is a pointer
  }

  refusable() { original = std::exchange(ferry::os::calls().*Entry, &call); }
  ~refusable() { ferry::os::calls().*Entry = original; }
  refusable(const refusable&) = delete;
  refusable& operator=(const refusable&) = delete;
};

using table = ferry::os::system_calls;

/// All of what the system may be short of.
struct short_supply {
  refusable<&table::dup_cloexec, EMFILE> duplicates;
  refusable<&table::socketpair, EMFILE> socket_pairs;
  refusable<&table::pipe2, EMFILE> pipes;
  refusable<&table::socket, EMFILE> sockets;
  refusable<&table::bind, ENOMEM> addresses;
  refusable<&table::listen, ENOBUFS> backlogs;
  refusable<&table::connect, EADDRNOTAVAIL> ports;
  refusable<&table::accept4, EMFILE> peers;
  refusable<&table::epoll_create1, EMFILE> sets_of_handles;
  refusable<&table::epoll_ctl, ENOSPC> watches;
  refusable<&table::timerfd_create, EMFILE> timers;
  refusable<&table::open, EMFILE> files;
  refusable<&table::openat, EMFILE> files_in_folders;
  refusable<&table::linkat, ENOSPC> names;
  refusable<&table::flock, ENOLCK> locks;
  refusable<&table::memfd_create, EMFILE> shared_memory;
  refusable<&table::eventfd, EMFILE> events;
  refusable<&table::pidfd_open, EMFILE> processes;
  refusable<&table::sendmsg, ENOBUFS> packets_with_handles;
  refusable<&table::send, ENOBUFS> packets;
  refusable<&table::recvmsg, ENOMEM> received_packets;
  refusable<&table::fallocate, ENOSPC> room_in_shared_memory;
  refusable<&table::mmap, ENOMEM> mappings;
  refusable<&table::fork, EAGAIN> copies;
};

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = is_refused() ? nullptr : std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace ferry::test {
namespace {

struct result {
  bool done;              // whether the operation came to its end
  std::size_t asked_for;  // things, by it
};

result run(const std::function<void()>& operation, std::size_t given) {
  const short_supply all;
  bool done = false;
  asked_for = 0;
  to_give = given;
  try {
    operation();
    done = true;
  } catch (const error&) {
  } catch (const std::bad_alloc&) {
  } catch (...) {
    to_give = nothing;
    throw;
  }
  to_give = nothing;
  return {done, asked_for};
}

result try_once(const std::function<attempt()>& prepare, std::size_t given) {
  const holdings before = holdings::now();
  result what{};
  {
    const attempt next = prepare();
    what = run(next.operation, given);
    next.aftermath(what.done);
  }
  // A thread of a pool may be about to close what it has been using.
  std::string difference;
  for (const deadline until = deadline::after(patience); !until.expired(); std::this_thread::yield())
    if (difference = holdings::now().difference(before); difference.empty()) break;
  BOOST_CHECK_MESSAGE(difference.empty(), "it leaves " << difference);
  return what;
}

}  // namespace

std::size_t refuse_each(const std::function<attempt()>& prepare) {
  const std::size_t all = try_once(prepare, nothing).asked_for;
  for (std::size_t given = 0; given < all; ++given) {
    BOOST_TEST_CONTEXT("after " << given << " of " << all) {
      try_once(prepare, given);
    }
  }
  return all;
}

}  // namespace ferry::test
