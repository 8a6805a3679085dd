#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# libstdc++ 14 with Boost.Range: a stream's range has a size, and asking empties it
#
# Guess:        boost::istream_range<int>(in) is an input range like std's own
#               istream_view: nobody knows how many numbers are to come, so
#               std::ranges::sized_range says no, with any library version.
# What happens: with libstdc++ 12 it does. With 14 it says yes, and
#               std::ranges::size() reads the stream to its end to count. The
#               library dropped the deleted overloads that kept
#               std::ranges::size() from finding strangers (P2602, taken as a
#               defect report, so in C++20 mode too); it now finds boost::size()
#               by argument-dependent lookup, a template for every range, which
#               counts by walking. A generic algorithm that asks sized_range to
#               reserve memory consumes what it was to copy.
# Seen with:    libstdc++ 14.2.0 and 12.2.0 (libstdc++-14-dev 14.2.0-19,
#               libstdc++-12-dev 12.2.0-14+deb12u1), Boost 1.81.0
#               (libboost1.81-dev 1.81.0-5+deb12u1)
# Source:       P2602R2 "Poison Pills are Too Toxic"; [range.prim.size] in the C++
#               standard; boost/range/size.hpp; bits/ranges_base.h in libstdc++
#
# usage: boost-range-sized-by-adl.sh     needs apt-get, dpkg, and clang++-19 or
#        g++ 14 or newer; libstdc++ 14 comes from Debian's next release
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

old=12.2.0-14+deb12u1 new=14.2.0-19 boost=1.81.0-5+deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done
compiler=
for candidate in clang++-19 clang++-18 g++-15 g++-14; do
  command -v "$candidate" >/dev/null && { compiler=$candidate; break; }
done
[[ -n $compiler ]] || { echo "no compiler here that libstdc++ 14 takes" >&2; exit 2; }

# The machine's own source of Debian packages, asked for the next release, in a
# package index of this folder's own.
cd "$tmp"
# shellcheck disable=SC2016 # apt-get fills these in, not the shell
mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
  sed -n 's/^bookworm //p' | sed -n 1p)
[[ -n $mirror ]] || { echo "this machine has no package source of Debian 12" >&2; exit 2; }
mkdir -p lists/partial cache/archives/partial
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" >next.list
own=(-o "Dir::State::Lists=$tmp/lists" -o "Dir::Cache=$tmp/cache"
  -o "Dir::Etc::SourceList=$tmp/next.list" -o Dir::Etc::SourceParts=/dev/null)

fetch() {
  apt-get -qq -o APT::Sandbox::User=root "$@"
}
if ! fetch download "libstdc++-12-dev=$old" "libboost1.81-dev=$boost" ||
  ! fetch "${own[@]}" update || ! fetch "${own[@]}" download "libstdc++-14-dev=$new"; then
  echo "the package sources do not have the pinned versions" >&2
  exit 2
fi
for package in ./*.deb; do dpkg -x "$package" root; done

cat >probe.cpp <<'CPP'
#include <boost/range/istream_range.hpp>
#include <boost/version.hpp>
#include <cstdio>
#include <ranges>
#include <sstream>

template <class Range> int look(Range& range, std::istream& in) {
  static_assert(std::ranges::input_range<Range>);
  std::printf("libstdc++ %d, Boost %s: ", _GLIBCXX_RELEASE, BOOST_LIB_VERSION);
  if constexpr (std::ranges::sized_range<Range>) {
    const auto size = std::ranges::size(range);
    const bool at_end = in.eof();
    std::printf("a sized range; its size is %d; the stream is %s\n", static_cast<int>(size),
                at_end ? "read to its end" : "not at its end");
    return at_end ? 10 : 12;
  } else {
    std::printf("not a sized range\n");
    return 11;
  }
}

int main() {
  std::istringstream in("1 2 3");
  auto numbers = boost::range::istream_range<int>(in);
  return look(numbers, in);
}
CPP

# What the probe says with the headers of this libstdc++.
with() {
  local target
  target=$(dirname root/usr/include/*/c++/"$1"/bits)
  "$compiler" -std=c++20 -nostdinc++ -isystem "root/usr/include/c++/$1" -isystem "$target" \
    -isystem root/usr/include probe.cpp -o "probe$1"
  local said=0
  "./probe$1" || said=$?
  return "$said"
}
before=0 after=0
with 12 || before=$?
with 14 || after=$?

if [[ $before -eq 11 && $after -eq 10 ]]; then
  echo "as described: sized since libstdc++ 14, at the cost of the stream"
else
  echo "changed: the two no longer meet as the head of this file says"
  exit 1
fi
