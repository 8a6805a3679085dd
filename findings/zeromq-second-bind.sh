#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# ZeroMQ: the second bind to an ipc:// address succeeds and cuts the first one off
#
# Guess:        binding an address that a living socket has is EADDRINUSE, for
#               ipc:// as for tcp://. A program started twice notices by it.
# What happens: with tcp:// the second bind fails. With ipc:// it succeeds: the
#               socket file is removed and made anew. The first socket goes on
#               without an error and hears of no new peer ever again; those who
#               are connected already stay with it.
# Seen with:    ZeroMQ 4.3.4 (libzmq5 and libzmq3-dev 4.3.4-6)
# Source:       zmq_ipc(7), "Binding a socket"; src/ipc_listener.cpp in libzmq
#
# usage: zeromq-second-bind.sh     needs apt-get, dpkg and g++
set -euo pipefail
if [[ $# -ne 0 ]]; then
  sed -n 's/^# \(usage:\)/\1/p' "$0" >&2
  exit 2
fi

pins=(libzmq3-dev=4.3.4-6 libzmq5=4.3.4-6 libpgm-5.3-0=5.3.128~dfsg-2
  libnorm1=1.5.9+dfsg-2 libsodium23=1.0.18-1+deb12u1)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for tool in apt-get dpkg g++; do
  command -v "$tool" >/dev/null || { echo "$tool is not here" >&2; exit 2; }
done

cd "$tmp"
apt-get -qq -o APT::Sandbox::User=root download "${pins[@]}" ||
  { echo "the package sources do not have ${pins[*]}" >&2; exit 2; }
for package in ./*.deb; do dpkg -x "$package" root; done
libraries=$(dirname "$tmp"/root/usr/lib/*/libzmq.so.5)

cat >probe.cpp <<'CPP'
#include <cerrno>
#include <cstdio>
#include <initializer_list>
#include <zmq.h>

void* context = zmq_ctx_new();

void* make(int type) {
  void* s = zmq_socket(context, type);
  const int patience = 5000, linger = 0;
  zmq_setsockopt(s, ZMQ_RCVTIMEO, &patience, sizeof patience);
  zmq_setsockopt(s, ZMQ_SNDTIMEO, &patience, sizeof patience);
  zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
  return s;
}

bool hears(void* s) {
  char byte;
  return zmq_recv(s, &byte, 1, 0) == 1;
}

// Two sockets bind `where`, with one peer connected in between, then another
// connects; both send. 'E': the second bind is refused; '2': it succeeds, the old
// peer reaches the first socket and the new one the second; '-': anything else.
char two(const char* where) {
  void *first = make(ZMQ_PULL), *second = make(ZMQ_PULL);
  void *old_peer = make(ZMQ_PUSH), *new_peer = make(ZMQ_PUSH);
  char result = '-';
  if (zmq_bind(first, where) != 0) {
    std::printf("first bind: %s\n", zmq_strerror(errno));
  } else {
    char at[256];
    size_t length = sizeof at;
    zmq_getsockopt(first, ZMQ_LAST_ENDPOINT, at, &length);
    zmq_connect(old_peer, at);
    zmq_send(old_peer, "x", 1, 0);
    const bool before = hears(first);
    if (zmq_bind(second, at) != 0) {
      std::printf("%.6s: the second bind says: %s\n", at, zmq_strerror(errno));
      result = 'E';
    } else {
      zmq_send(old_peer, "x", 1, 0);
      const bool old_one = hears(first);
      zmq_connect(new_peer, at);
      zmq_send(new_peer, "x", 1, 0);
      const bool taken = hears(second);
      std::printf("%.6s: the second bind succeeds; the old peer reaches the %s socket, "
                  "a new one the %s\n",
                  at, old_one ? "first" : "second", taken ? "second" : "first");
      if (before && old_one && taken) result = '2';
    }
  }
  for (void* s : {first, second, old_peer, new_peer}) zmq_close(s);
  return result;
}

int main() {
  int major, minor, patch;
  zmq_version(&major, &minor, &patch);
  std::printf("ZeroMQ %d.%d.%d\n", major, minor, patch);
  const char tcp = two("tcp://127.0.0.1:*"), ipc = two("ipc://both.sock");
  zmq_ctx_term(context);
  return tcp == 'E' && ipc == '2' ? 0 : 1;
}
CPP
g++ -std=c++17 -isystem root/usr/include probe.cpp -o probe -L"$libraries" -lzmq \
  -Wl,--unresolved-symbols=ignore-in-shared-libs

if LD_LIBRARY_PATH=$libraries ./probe; then
  echo "as described: refused with tcp://, taken over with ipc://"
else
  echo "changed: the second bind no longer does what the head of this file says"
  exit 1
fi
