#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# libstdc++: std::atomic::wait() is not woken by another process
#
# Guess:        a lock-free std::atomic<int> works in shared memory between
#               processes, and so do its wait() and notify_all(): on Linux they
#               are a futex, and futexes work across processes.
# What happens: loads and stores do, wait() does not. notify_all() in one process
#               looks into a table of its own process for waiters, finds none and
#               makes no system call; the wait itself is a FUTEX_WAIT_PRIVATE. The
#               waiter sleeps on with the new value before its eyes, until
#               somebody in its own process notifies.
# Seen with:    libstdc++ 12.2.0 (libstdc++-12-dev 12.2.0-14+deb12u1)
# Source:       bits/atomic_wait.h in libstdc++, __detail::__platform_wait() and
#               __waiter_pool_base; futex(2) on FUTEX_PRIVATE_FLAG. The C++
#               standard has the hint for loads and stores alone:
#               [atomics.lockfree] on address-free operations
#
# usage: atomic-wait-one-process.sh     needs apt-get, dpkg and g++
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=12.2.0-14+deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg g++; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "libstdc++-12-dev=$pin" ||
  { echo "the package sources do not have libstdc++-12-dev $pin" >&2; exit 2; }
dpkg -x libstdc++-12-dev_*.deb root
headers=root/usr/include/c++/12
target=$(dirname root/usr/include/*/c++/12/bits)

cat >probe.cpp <<'CPP'
#include <atomic>
#include <chrono>
#include <cstdio>
#include <new>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;

struct shared {
  std::atomic<int> ready{0}, value{0}, woken{0}, enough{0};
};
static_assert(std::atomic<int>::is_always_lock_free);

int main() {
  std::printf("libstdc++ %d, %d\n", _GLIBCXX_RELEASE, __GLIBCXX__);
  void* memory =
      mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  auto& s = *new (memory) shared;

  const pid_t child = fork();
  if (child == 0) {
    std::thread local([&s] { // what ends the wait at last, and never later than in ten seconds
      for (int i = 0; i < 1000 && s.enough == 0; ++i) std::this_thread::sleep_for(10ms);
      s.value = 1;
      s.value.notify_all();
    });
    s.ready = 1;
    s.value.wait(0);
    s.woken = 1;
    local.join();
    _exit(0);
  }

  while (s.ready == 0) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(1s); // it is asleep by now
  s.value = 1;
  s.value.notify_all();
  std::this_thread::sleep_for(1s);
  const int by_another = s.woken;
  s.enough = 1;
  waitpid(child, nullptr, 0);
  const int by_its_own = s.woken;
  std::printf("the value is changed and notified by another process: the waiter %s\n"
              "notified in its own process: the waiter %s\n",
              by_another ? "wakes" : "sleeps on", by_its_own ? "wakes" : "sleeps on");
  return !by_another && by_its_own ? 0 : 1;
}
CPP
g++ -std=c++20 -nostdinc++ -isystem "$headers" -isystem "$target" probe.cpp -o probe -pthread

if ./probe; then
  echo "as described: a notification stays within its process"
else
  echo "changed: std::atomic::wait no longer behaves as the head of this file says"
  exit 1
fi
