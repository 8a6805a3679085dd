#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# glibc: a program started by posix_spawn() ignores signals 32 and 33
#
# Guess:        a started program has the signals ignored that its parent
#               ignores, and no other. POSIX_SPAWN_SETSIGDEF with sigfillset()
#               makes it start with none ignored.
# What happens: it ignores two, 32 and 33, the ones glibc keeps for itself, and
#               hands that on to all that it starts. sigfillset() leaves the two
#               out, so SETSIGDEF with a full set does not help; fork() and
#               execve() do not do this. system() and popen() are posix_spawn()
#               inside, so one finds SigIgn 180000000 in /proc for all that came
#               that way, down to the last grandchild.
# Seen with:    glibc 2.36
# Source:       sysdeps/unix/sysv/linux/spawni.c in glibc; nptl(7) on the internal
#               signals; posix_spawn(3), step on POSIX_SPAWN_SETSIGDEF
#
# usage: posix-spawn-two-ignored-signals.sh     needs gcc, grep and /proc
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in gcc grep; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
cat >probe.c <<'C'
#define _GNU_SOURCE
#include <gnu/libc-version.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

/* Succeeds where it ignores no signal, by what /proc says of it. */
static char* look[] = {"grep", "-q", "^SigIgn:[[:space:]]*0000000000000000$", "/proc/self/status",
                        NULL};

static int none_ignored(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int spawned(const posix_spawnattr_t* attributes) {
  pid_t child = 0;
  if (posix_spawnp(&child, look[0], NULL, attributes, look, environ) != 0) exit(2);
  return none_ignored(child);
}

static void show(const char* what, int none) {
  printf("%s: %s\n", what, none ? "no signal is ignored" : "some signals are ignored");
}

int main(void) {
  printf("glibc %s\n", gnu_get_libc_version());
  fflush(stdout);

  /* This program may have come with some ignored. glibc refuses to touch its own two. */
  const unsigned long defaults[4] = {0};
  for (int s = 1; s <= SIGRTMAX; ++s) syscall(SYS_rt_sigaction, s, defaults, NULL, 8);

  const pid_t child = fork();
  if (child == 0) {
    execvp(look[0], look);
    _exit(2);
  }
  const int forked = none_ignored(child);

  posix_spawnattr_t attributes;
  sigset_t all;
  posix_spawnattr_init(&attributes);
  sigfillset(&all);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  const int plain = spawned(NULL), full = spawned(&attributes);

  show("fork and execvp                ", forked);
  show("posix_spawnp                   ", plain);
  show("posix_spawnp, SETSIGDEF of all ", full);
  fflush(stdout);
  char* print[] = {"grep", "SigIgn", "/proc/self/status", NULL};
  pid_t last = 0;
  if (posix_spawnp(&last, print[0], NULL, &attributes, print, environ) == 0) waitpid(last, NULL, 0);
  return forked && !plain && !full ? 0 : 1;
}
C
gcc probe.c -o probe

if ./probe; then
  echo "as described: posix_spawn alone starts programs that ignore signals 32 and 33"
else
  echo "changed: posix_spawn no longer starts programs as the head of this file says"
  exit 1
fi
