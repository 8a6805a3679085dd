#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Valgrind: memory that another process has written still counts as uninitialised
#
# Guess:        memory that holds a value written by somebody is initialised, and
#               with --trace-children=yes Memcheck sees every write of every
#               process it runs.
# What happens: Memcheck notes for each process alone which bytes are defined. A
#               process copies a record with a field left open into shared
#               memory, another one fills that field in, the first one reads it:
#               "Conditional jump or move depends on uninitialised value(s)". It
#               is a false alarm about a correct program. Memory that the first
#               process never wrote itself is not reported.
# Seen with:    Valgrind 3.19.0 (valgrind 1:3.19.0-1)
# Source:       the Valgrind manual, 4.5.1 "Valid-value (V) bits"
#
# usage: valgrind-shared-memory.sh     needs apt-get, dpkg and gcc
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=1:3.19.0-1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg gcc; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "valgrind=$pin" ||
  { echo "the package sources do not have valgrind $pin" >&2; exit 2; }
dpkg -x valgrind_*.deb root

cat >probe.c <<'C'
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct record {
  int question, answer;
};

int main(int count, char** arguments) {
  (void)arguments;
  struct record* shared =
      mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (count > 1) { /* this process writes the record first, one field of it left open */
    struct record* open = malloc(sizeof *open);
    open->question = 6;
    *shared = *open;
    free(open);
  }
  const pid_t other = fork();
  if (other == 0) {
    shared->answer = 42;
    _exit(0);
  }
  waitpid(other, NULL, 0);
  if (shared->answer == 42) puts("the answer is 42");
  return 0;
}
C
gcc -g -O0 probe.c -o probe

run() {
  VALGRIND_LIB=$tmp/root/usr/libexec/valgrind root/usr/bin/valgrind \
    -q --trace-children=yes --error-exitcode=9 ./probe "$@" 2>&1
}
VALGRIND_LIB=$tmp/root/usr/libexec/valgrind root/usr/bin/valgrind --version
echo "only the other process writes:"
plain=0
run || plain=$?
echo "this process writes first, the other one fills in:"
filled=0
run first || filled=$?

if [[ $plain -eq 0 && $filled -eq 9 ]]; then
  echo "as described: the value the other process wrote is reported as uninitialised"
else
  echo "changed: Memcheck no longer behaves as the head of this file says"
  exit 1
fi
