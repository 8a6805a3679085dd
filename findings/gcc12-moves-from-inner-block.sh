#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# GCC 12: a local variable is returned in place only from a function's outer block
#
# Guess:        `S s; return s;` builds s in the caller's place (the named return
#               value optimisation, which GCC does even without -O), wherever in
#               the function the block with these two lines is.
# What happens: where the block is nested, in a loop, an if, or bare braces, GCC 12
#               moves, at any -O. It is seen where an object must not move, or
#               counts its moves; a type that cannot move does not compile in
#               either place, so nothing warns. Clang 14 builds it in place in
#               both.
# Seen with:    GCC 12.2.0 (g++-12 12.2.0-14+deb12u1); GCC 14.2.0 builds all three of
#               the functions below in place
# Source:       [class.copy.elision] in the C++ standard, which allows and does
#               not demand it; GCC's bug 51571; gcc/cp/typeck.cc, check_return_expr()
#
# usage: gcc12-moves-from-inner-block.sh     needs apt-get, dpkg, binutils and
#        libc6-dev; takes 45 MB of packages
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=12.2.0-14+deb12u1
pins=("g++-12=$pin" "gcc-12=$pin" "cpp-12=$pin" "libgcc-12-dev=$pin" "libstdc++-12-dev=$pin"
  libgmp10=2:6.2.1+dfsg1-1.1 libmpfr6=4.2.0-1 libmpc3=1.3.1-1 libisl23=0.25-1.1)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg as ld; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${pins[@]}" ||
  { echo "the package sources do not have ${pins[*]}" >&2; exit 2; }
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(dirname "$tmp"/root/usr/lib/*/libisl.so.23)
compiler=root/usr/bin/gcc-12

cat >probe.cpp <<'CPP'
#include <stdio.h>

struct counted {
  counted() {}
  counted(counted&&) { ++moves; }
  static int moves;
};
int counted::moves = 0;

counted outer() {
  counted c;
  return c;
}
counted braces() {
  {
    counted c;
    return c;
  }
}
counted loop() {
  for (;;) {
    counted c;
    return c;
  }
}

int moves_of(counted (*make)(), const char* where) {
  counted::moves = 0;
  counted made = make();
  (void)made;
  printf("a variable of %s: %d move(s)\n", where, counted::moves);
  return counted::moves;
}

int main() {
  printf("GCC %s\n", __VERSION__);
  const int o = moves_of(outer, "the outer block"), b = moves_of(braces, "a block in braces"),
            l = moves_of(loop, "a loop's block");
  return o == 0 && b == 1 && l == 1 ? 0 : 1;
}
CPP
"$compiler" -std=c++20 -O2 -fno-exceptions -static-libgcc probe.cpp -o probe

if ./probe; then
  echo "as described: in place from the outer block, moved from a nested one"
else
  echo "changed: GCC no longer returns as the head of this file says"
  exit 1
fi
