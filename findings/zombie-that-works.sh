#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Linux: a process whose main thread has left is shown as a zombie while it works
#
# Guess:        state Z in /proc/PID/status (and <defunct> in ps) is a process
#               that has ended and was not waited for. Who watches processes may
#               take it for dead.
# What happens: it is also a process whose main thread has called pthread_exit()
#               and whose other threads go on. /proc/PID shows its main thread:
#               state Z, no exe, an empty command line, no memory map. waitpid()
#               and a pidfd know better, and so do the states in
#               /proc/PID/task/: it is running, and it answers.
# Seen with:    Linux 6.18, glibc 2.36
# Source:       pthread_exit(3), "NOTES"; proc(5) on /proc/[pid]/exe;
#               delay_group_leader() in the kernel
#
# usage: zombie-that-works.sh     needs gcc and /proc
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v gcc >/dev/null || { echo "gcc is not here" >&2; exit 2; }

cd "$tmp"
cat >probe.c <<'C'
#define _GNU_SOURCE
#include <gnu/libc-version.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static int question[2], answer[2];

static void* work(void* nothing) {
  char byte;
  while (read(question[0], &byte, 1) == 1) {
    ++byte;
    if (write(answer[1], &byte, 1) != 1) break;
  }
  _exit(0);
  return nothing;
}

/* The letter of its state as /proc tells it. */
static char state(pid_t child) {
  char path[64], line[256], letter = '?';
  snprintf(path, sizeof path, "/proc/%d/status", (int)child);
  FILE* file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "State: %c", &letter) == 1) break;
  if (file != NULL) fclose(file);
  return letter;
}

int main(void) {
  struct utsname system;
  uname(&system);
  printf("Linux %s, glibc %s\n", system.release, gnu_get_libc_version());
  fflush(stdout);
  if (pipe(question) != 0 || pipe(answer) != 0) return 2;

  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(question[1]);
    close(answer[0]);
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) _exit(2);
    pthread_exit(NULL);
  }

  for (int i = 0; i < 500 && state(child) != 'Z'; ++i) usleep(10000);
  const char shown = state(child);
  char path[64], target[256];
  snprintf(path, sizeof path, "/proc/%d/exe", (int)child);
  const int has_exe = readlink(path, target, sizeof target) > 0;

  char byte = 'a';
  if (write(question[1], &byte, 1) != 1) return 2;
  struct pollfd wait = {.fd = answer[0], .events = POLLIN};
  const int answers = poll(&wait, 1, 5000) == 1 && read(answer[0], &byte, 1) == 1 && byte == 'b';
  const int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
  struct pollfd ended = {.fd = pidfd, .events = POLLIN};
  const int dead_by_pidfd = poll(&ended, 1, 0) == 1;
  const int dead_by_wait = waitpid(child, NULL, WNOHANG) == child;

  printf("state %c, %s; it %s; the pidfd says %s, waitpid says %s\n", shown,
         has_exe ? "has an exe" : "has no exe", answers ? "answers" : "does not answer",
         dead_by_pidfd ? "ended" : "running", dead_by_wait ? "ended" : "running");
  close(question[1]);
  if (!dead_by_wait) waitpid(child, NULL, 0);
  return shown == 'Z' && !has_exe && answers && !dead_by_pidfd && !dead_by_wait ? 0 : 1;
}
C
gcc -Wall probe.c -o probe -pthread

if ./probe; then
  echo "as described: shown as a zombie, and it works"
else
  echo "changed: such a process is no longer shown as the head of this file says"
  exit 1
fi
