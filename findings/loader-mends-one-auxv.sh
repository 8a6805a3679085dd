#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# glibc: started through its loader, a program is told two different things of itself
#
# Guess:        getauxval() reads the vector the kernel left for the process, so
#               it agrees with /proc/self/auxv; and /proc/self/exe is the program,
#               so a process that wants itself again runs that.
# What happens: with `ld-linux-x86-64.so.2 ./program` the kernel has started the
#               loader. Its path is what /proc/self/exe says, and the entry point
#               and program headers in /proc/self/auxv are the loader's. glibc
#               mends the copy in the memory of the process: getauxval() gives
#               the program's entry point, headers and AT_EXECFN, as if it had
#               been started directly. So AT_EXECFN is what can be started again,
#               and /proc/self/exe is a loader that finds no program to load.
# Seen with:    glibc 2.36, Linux 6.18
# Source:       elf/rtld.c in glibc, the loader as a command; ld.so(8);
#               getauxval(3); proc(5) on /proc/[pid]/auxv and exe
#
# usage: loader-mends-one-auxv.sh     needs gcc and /proc, on x86-64
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

loader=/lib64/ld-linux-x86-64.so.2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
command -v gcc >/dev/null || { echo "gcc is not here" >&2; exit 2; }
[[ -x $loader ]] || { echo "the x86-64 loader of glibc is not here" >&2; exit 2; }

cd "$tmp"
cat >probe.c <<'C'
#define _GNU_SOURCE
#include <elf.h>
#include <gnu/libc-version.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/utsname.h>
#include <unistd.h>

static unsigned long in_proc(unsigned long type) {
  Elf64_auxv_t entry;
  unsigned long value = 0;
  FILE* file = fopen("/proc/self/auxv", "r");
  while (file != NULL && fread(&entry, sizeof entry, 1, file) == 1 && entry.a_type != AT_NULL)
    if (entry.a_type == type) value = entry.a_un.a_val;
  if (file != NULL) fclose(file);
  return value;
}

int main(int count, char** arguments) {
  struct utsname system;
  uname(&system);
  if (count < 2) printf("glibc %s, Linux %s\n", gnu_get_libc_version(), system.release);

  char exe[4096] = "";
  if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0) return 2;
  const char* execfn = (const char*)getauxval(AT_EXECFN);
  const int agree = in_proc(AT_ENTRY) == getauxval(AT_ENTRY) && in_proc(AT_PHDR) == getauxval(AT_PHDR);
  const int exe_is_program = strcmp(basename(exe), "probe") == 0;
  const int execfn_is_program = strcmp(execfn, arguments[0]) == 0;
  printf("/proc/self/exe is the %s, AT_EXECFN is the %s, /proc/self/auxv and getauxval() %s\n",
         exe_is_program ? "program" : "loader", execfn_is_program ? "program" : "loader",
         agree ? "agree" : "differ");
  return 10 + exe_is_program * 4 + execfn_is_program * 2 + agree;
}
C
gcc -Wall probe.c -o probe

directly=0
./probe || directly=$?
echo "through the loader:"
through=0
"$loader" ./probe again || through=$?

if [[ $directly -eq 17 && $through -eq 12 ]]; then
  echo "as described: the copy in memory is mended, what the kernel tells is not"
else
  echo "changed: the loader no longer does what the head of this file says"
  exit 1
fi
