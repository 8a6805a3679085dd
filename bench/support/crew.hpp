// SPDX-License-Identifier: BSL-1.0
// Forked processes that do the work that is measured.
#pragma once

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// Longer than any work here takes, in seconds: a peer may lose a message, and then wait for it for ever.
inline constexpr unsigned patience = 300;

/// Some forked children. They are waited for, or killed at the latest when dropped. One that takes longer
/// than `patience` is ended by SIGALRM.
class crew {
 public:
  crew() = default;
  ~crew() {
    for (const pid_t each : members_) ::kill(each, SIGKILL);
    for (const pid_t each : members_) ::waitpid(each, nullptr, 0);
  }
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  template <class Work>
  void add(Work&& work) {
    const pid_t child = ::fork();
    if (child < 0) fail("fork");
    if (child != 0) {
      members_.push_back(child);
      return;
    }
    ::alarm(patience);
    try {
      work();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "bench: %s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }

  /// Waits for all. @returns what they used
  rusage wait() {
    rusage used{}, total{};
    for (const pid_t each : std::exchange(members_, {})) {
      int status = 0;
      if (::wait4(each, &status, 0, &used) != each || status != 0) fail("a process of the benchmark");
      timeradd(&total.ru_utime, &used.ru_utime, &total.ru_utime);
      timeradd(&total.ru_stime, &used.ru_stime, &total.ru_stime);
      total.ru_maxrss += used.ru_maxrss;
    }
    return total;
  }

 private:
  std::vector<pid_t> members_;
};

/// A T that the children forked from here on share.
template <class T>
class shared {
 public:
  template <class... Args>
  explicit shared(Args&&... args) {
    void* const memory =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED) fail("mmap");
    value_ = ::new (memory) T(std::forward<Args>(args)...);
  }
  ~shared() {
    value_->~T();
    ::munmap(value_, sizeof(T));
  }
  shared(const shared&) = delete;
  shared& operator=(const shared&) = delete;
  T& operator*() const noexcept { return *value_; }
  T* operator->() const noexcept { return value_; }

 private:
  T* value_;
};

}  // namespace bench
