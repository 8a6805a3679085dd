#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# qemu-user: a robust mutex can be made and is not robust
#
# Guess:        where the system has no robust mutexes, making one fails:
#               pthread_mutexattr_setrobust() or pthread_mutex_init() say so.
#               Where they succeed, the death of an owner is EOWNERDEAD.
# What happens: under user-mode emulation both succeed, and the lock of a dead
#               owner stays locked for everybody: the next one gets ETIMEDOUT.
#               The emulator answers set_robust_list with ENOSYS, so the kernel
#               knows of no list to go through at the death of a thread; glibc
#               takes the list for granted on this architecture and does not ask.
# Seen with:    QEMU 7.2 (qemu-user-static 1:7.2+dfsg-7+deb12u18+b3), glibc 2.36
# Source:       linux-user/syscall.c in QEMU, TARGET_NR_set_robust_list;
#               set_robust_list(2); pthread_mutexattr_setrobust(3)
#
# usage: qemu-user-robust-mutex.sh     needs apt-get, dpkg and gcc, on x86-64
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=1:7.2+dfsg-7+deb12u18+b3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg gcc; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done
[[ $(uname -m) = x86_64 ]] || { echo "this is no x86-64 machine" >&2; exit 2; }

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "qemu-user-static=$pin" ||
  { echo "the package sources do not have qemu-user-static $pin" >&2; exit 2; }
dpkg -x qemu-user-static_*.deb root
qemu=root/usr/bin/qemu-x86_64-static

cat >probe.c <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <gnu/libc-version.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(void) {
  pthread_mutex_t* mutex =
      mmap(NULL, sizeof *mutex, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  const int robust = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  const int init = pthread_mutex_init(mutex, &attributes);

  const pid_t owner = fork();
  if (owner == 0) {
    pthread_mutex_lock(mutex);
    _exit(0);
  }
  waitpid(owner, NULL, 0);

  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 2;
  const int lock = pthread_mutex_timedlock(mutex, &until);
  printf("glibc %s: setrobust says %s, init says %s, the lock of a dead owner: %s\n",
         gnu_get_libc_version(), strerror(robust), strerror(init), strerror(lock));
  if (robust != 0 || init != 0) return 12;
  return lock == EOWNERDEAD ? 10 : lock == ETIMEDOUT ? 11 : 12;
}
C
gcc probe.c -o probe -pthread

"$qemu" --version | sed 1q
echo "by itself:"
by_itself=0
./probe || by_itself=$?
echo "emulated:"
emulated=0
"$qemu" ./probe || emulated=$?

if [[ $by_itself -eq 10 && $emulated -eq 11 ]]; then
  echo "as described: the emulated owner dies and its lock stays"
else
  echo "changed: a robust mutex no longer behaves as the head of this file says"
  exit 1
fi
