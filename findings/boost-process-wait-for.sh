#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Boost.Process: wait_for() on a program that has ended already takes all its time
#
# Guess:        child::wait_for(3s) returns at once when the program is gone by
#               then, as wait() does: there is nothing left to wait for.
# What happens: it sleeps the whole three seconds and then returns true. On
#               Linux it waits for the next SIGCHLD first, with sigtimedwait(),
#               and asks waitpid() only afterwards. The SIGCHLD of a program
#               that ended before the call has gone by: nobody held it back.
#               A program that ends during the call is noticed at once, so it is
#               the shorter-lived program that takes longer.
# Seen with:    Boost 1.81.0 (libboost1.81-dev 1.81.0-5+deb12u1), Boost.Process v1
# Source:       boost/process/detail/posix/wait_for_exit.hpp, wait_until();
#               signal(7) on signals whose default action is to be ignored
#
# usage: boost-process-wait-for.sh     needs apt-get, dpkg and g++
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
#include <boost/process.hpp>
#include <boost/version.hpp>
#include <chrono>
#include <iostream>
#include <thread>

using namespace std::chrono;

// How long wait_for(3s) takes for a program that lives `life`, asked after `later`.
long asked(const char* life, milliseconds later) {
  boost::process::child program("/bin/sleep", life);
  std::this_thread::sleep_for(later);
  const auto start = steady_clock::now();
  const bool ended = program.wait_for(seconds(3));
  const auto took = duration_cast<milliseconds>(steady_clock::now() - start).count();
  std::cout << "sleep " << life << ", asked after " << later.count() << " ms: wait_for(3s) says "
            << (ended ? "ended" : "still running") << " after " << took << " ms\n";
  return took;
}

int main() {
  std::cout << "Boost " << BOOST_LIB_VERSION << '\n';
  const long during = asked("1", milliseconds(0));
  const long before = asked("0", milliseconds(1000));
  return during < 2900 && before >= 2900 ? 0 : 1;
}
CPP
g++ -std=c++17 -O0 -isystem root/usr/include probe.cpp -o probe -pthread

if ./probe; then
  echo "as described: the program that was gone already takes the whole time"
else
  echo "changed: wait_for() no longer does what the head of this file says"
  exit 1
fi
