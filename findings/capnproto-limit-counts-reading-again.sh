#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Cap'n Proto: the limit on a message counts what is read, each time it is read
#
# Guess:        ReaderOptions::traversalLimitInWords, 64 MiB unless told, is the
#               size up to which messages are accepted. A message of 1 MiB is
#               far from it whatever one does with it.
# What happens: each access through a pointer is charged with the size of what
#               it points to, also when that has been charged before. A message
#               of 1 MiB whose one blob is got 63 times is refused the 64th time
#               with "Exceeded message traversal limit". A message kept in shared
#               memory and read again and again wears its reader out.
# Seen with:    Cap'n Proto 0.9.2 (libcapnp-dev and libcapnp-0.9.2 0.9.2-2)
# Source:       capnp/message.h, on ReaderOptions::traversalLimitInWords;
#               c++/src/capnp/arena.h in the source, class ReadLimiter
#
# usage: capnproto-limit-counts-reading-again.sh     needs apt-get, dpkg and g++
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=0.9.2-2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg g++; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "libcapnp-dev=$pin" "libcapnp-0.9.2=$pin" ||
  { echo "the package sources do not have libcapnp $pin" >&2; exit 2; }
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$tmp"/root/usr/lib/*/libcapnp.so)

cat >probe.cpp <<'CPP'
#include <capnp/any.h>
#include <capnp/message.h>
#include <capnp/serialize.h>
#include <cstdio>

int main() {
  std::printf("Cap'n Proto %d.%d.%d\n", CAPNP_VERSION_MAJOR, CAPNP_VERSION_MINOR,
              CAPNP_VERSION_MICRO);
  capnp::MallocMessageBuilder builder;
  builder.getRoot<capnp::AnyPointer>().initAs<capnp::Data>(1 << 20);
  const auto words = capnp::messageToFlatArray(builder);
  std::printf("a message of %zu bytes; limit %llu bytes\n", words.asBytes().size(),
              static_cast<unsigned long long>(capnp::ReaderOptions().traversalLimitInWords * 8));

  capnp::FlatArrayMessageReader reader(words);
  int times = 0;
  try {
    while (times < 1000 && reader.getRoot<capnp::Data>().size() == 1 << 20) ++times;
    std::printf("read %d times without complaint\n", times);
  } catch (const kj::Exception& refused) {
    std::printf("read %d times, then: %s\n", times, refused.getDescription().cStr());
    return times == 63 ? 0 : 1;
  }
  return 1;
}
CPP
g++ -std=c++17 -isystem root/usr/include probe.cpp -o probe -L"$libraries" -lcapnp -lkj

if LD_LIBRARY_PATH=$libraries ./probe; then
  echo "as described: reading the same bytes again uses the limit up"
else
  echo "changed: the limit no longer counts as the head of this file says"
  exit 1
fi
