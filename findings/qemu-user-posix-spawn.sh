#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# qemu-user: posix_spawn() of a program that is not there succeeds
#
# Guess:        posix_spawn() returns ENOENT when there is no such program. Under
#               user-mode emulation (tests of another architecture's build) it
#               does so too: it is the same libc on the same kernel.
# What happens: it returns 0, with the process id of a child that exits with 127.
#               glibc has the child write the error into memory that it shares
#               with its parent, by CLONE_VM | CLONE_VFORK. The emulator makes an
#               ordinary fork of that, so the error is written into a copy.
#               Whoever asks posix_spawn() whether a program exists gets the
#               wrong answer, and the exit status is the only sign.
# Seen with:    QEMU 7.2 (qemu-user-static 1:7.2+dfsg-7+deb12u18+b3), glibc 2.36
# Source:       linux-user/syscall.c in QEMU, do_fork(), on CLONE_VFORK;
#               sysdeps/unix/sysv/linux/spawni.c in glibc; posix_spawn(3), "ERRORS"
#
# usage: qemu-user-posix-spawn.sh     needs apt-get, dpkg and gcc, on x86-64
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
#include <gnu/libc-version.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

int main(void) {
  char* arguments[] = {"absent", NULL};
  char* environment[] = {NULL};
  pid_t child = 0;
  int status = 0;
  const int error = posix_spawn(&child, "./absent", NULL, NULL, arguments, environment);
  printf("glibc %s: posix_spawn says: %s", gnu_get_libc_version(), strerror(error));
  if (error == 0 && waitpid(child, &status, 0) == child)
    printf("; the child exits with %d", WEXITSTATUS(status));
  puts("");
  return error == 0 ? 10 : 11;
}
C
gcc probe.c -o probe

"$qemu" --version | sed 1q
echo "by itself:"
by_itself=0
./probe || by_itself=$?
echo "emulated:"
emulated=0
"$qemu" ./probe || emulated=$?

if [[ $by_itself -eq 11 && $emulated -eq 10 ]]; then
  echo "as described: the error is lost under the emulator"
else
  echo "changed: posix_spawn no longer behaves as the head of this file says"
  exit 1
fi
