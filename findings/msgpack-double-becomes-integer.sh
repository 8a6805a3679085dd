#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# MessagePack for C++: a double with a whole value is packed as an integer
#
# Guess:        a double is packed in the float 64 form, nine bytes, so its type
#               and its bits are the same at the other end. MessagePack has
#               separate forms for integers and floats.
# What happens: a double whose value is whole becomes an integer: 1.0 is the one
#               byte 01. The reader sees a positive integer and has to accept
#               both where a double was sent; a column of doubles comes out as a
#               mixture, by value. Minus zero passes the same test and becomes 0:
#               the value comes back without its sign.
# Seen with:    msgpack-cxx 4.1.3 (libmsgpack-cxx-dev 4.1.3-1)
# Source:       msgpack/v1/pack.hpp, packer<Stream>::pack_double();
#               the MessagePack specification, "float format family"
#
# usage: msgpack-double-becomes-integer.sh     needs apt-get, dpkg and g++
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=4.1.3-1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg g++; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "libmsgpack-cxx-dev=$pin" ||
  { echo "the package sources do not have libmsgpack-cxx-dev $pin" >&2; exit 2; }
dpkg -x libmsgpack-cxx-dev_*.deb root

cat >probe.cpp <<'CPP'
#include <cmath>
#include <cstdio>
#include <msgpack.hpp>

struct seen {
  size_t bytes;
  bool integer, minus;
};

seen through(double value) {
  msgpack::sbuffer packed;
  msgpack::pack(packed, value);
  const auto handle = msgpack::unpack(packed.data(), packed.size());
  const auto type = handle.get().type;
  const bool integer =
      type == msgpack::type::POSITIVE_INTEGER || type == msgpack::type::NEGATIVE_INTEGER;
  const double back = handle.get().as<double>();
  std::printf("%4.1f: %zu byte(s), %s, comes back as %.1f\n", value, packed.size(),
              integer ? "an integer" : "a float", back);
  return {packed.size(), integer, std::signbit(back)};
}

int main() {
  std::printf("msgpack-cxx %s\n", msgpack_version());
  const seen half = through(1.5), one = through(1.0), zero = through(-0.0);
  return !half.integer && half.bytes == 9 && one.integer && one.bytes == 1 && zero.integer &&
                 !zero.minus
             ? 0
             : 1;
}
CPP
g++ -std=c++17 -DMSGPACK_NO_BOOST -isystem root/usr/include probe.cpp -o probe

if ./probe; then
  echo "as described: whole doubles are integers on the wire, and minus zero loses its sign"
else
  echo "changed: doubles are no longer packed as the head of this file says"
  exit 1
fi
