#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Boost.Interprocess: shared memory takes all its pages when it is given a size
#
# Guess:        shared_memory_object::truncate() is ftruncate(), as its name has it:
#               a large segment costs nothing until its pages are touched, and
#               one can be generous with the size.
# What happens: every page is there at once. truncate() calls posix_fallocate()
#               first and ftruncate() only where that is refused. A managed
#               segment of 1 GiB with ten bytes in it uses 1 GiB of memory.
#               (The other side of it: a full /dev/shm is an exception here, and
#               not a SIGBUS later.)
# Seen with:    Boost 1.81.0 (libboost1.81-dev 1.81.0-5+deb12u1)
# Source:       boost/interprocess/shared_memory_object.hpp, truncate();
#               posix_fallocate(3), ftruncate(2)
#
# usage: boost-interprocess-memory-at-once.sh     needs apt-get, dpkg and g++
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pin=1.81.0-5+deb12u1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg g++; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "libboost1.81-dev=$pin" ||
  { echo "the package sources do not have libboost1.81-dev $pin" >&2; exit 2; }
dpkg -x libboost1.81-dev_*.deb root

cat >probe.cpp <<'CPP'
#include <boost/interprocess/shared_memory_object.hpp>
#include <boost/version.hpp>
#include <fcntl.h>
#include <iostream>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ipc = boost::interprocess;

long long taken(int descriptor) {
  struct stat status {};
  fstat(descriptor, &status);
  return static_cast<long long>(status.st_blocks) * 512;
}

int main() {
  constexpr long long size = 8 << 20;
  const std::string name = "finding-" + std::to_string(getpid());
  std::cout << "Boost " << BOOST_LIB_VERSION << '\n';

  const int plain = shm_open(("/" + name).c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (plain < 0 || ftruncate(plain, size) != 0) return 2;
  shm_unlink(("/" + name).c_str());
  const long long lazy = taken(plain);

  ipc::shared_memory_object object(ipc::create_only, name.c_str(), ipc::read_write);
  object.truncate(size);
  const long long eager = taken(object.get_mapping_handle().handle);
  ipc::shared_memory_object::remove(name.c_str());

  std::cout << "ftruncate to 8 MiB: " << lazy << " bytes taken\n"
            << "shared_memory_object::truncate to 8 MiB: " << eager << " bytes taken\n";
  return lazy == 0 && eager >= size ? 0 : 1;
}
CPP
g++ -std=c++17 -O0 -isystem root/usr/include probe.cpp -o probe -lrt

if ./probe; then
  echo "as described: the segment has all its pages before anybody has touched one"
else
  echo "changed: truncate() no longer does what the head of this file says"
  exit 1
fi
