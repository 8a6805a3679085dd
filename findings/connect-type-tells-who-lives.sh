#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Linux: connect() by the wrong type of socket tells whether a listener lives
#
# Guess:        to know whether anybody is behind a socket file one has to connect
#               to it, which the listener sees as a client and has to accept. A
#               socket of the wrong type is refused without telling anything.
# What happens: connect() of a datagram socket to the path of a stream socket is
#               EPROTOTYPE while some process has that socket, and ECONNREFUSED
#               when it is gone and the file was left over. The type is compared
#               only after the owner was found, so the mismatch is the answer:
#               nothing is queued at the listener, and it waits for nothing, also
#               when the listener's queue is full, where a connect of the right
#               type is EAGAIN (and not EINPROGRESS) or waits. A socket that is
#               bound and does not listen yet counts as living, though a connect
#               of the right type is ECONNREFUSED there as with a dead one.
# Seen with:    Linux 6.18, glibc 2.36
# Source:       net/unix/af_unix.c in the kernel, unix_find_bsd(); connect(2) and
#               unix(7), "ERRORS"
#
# usage: connect-type-tells-who-lives.sh     needs gcc
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
#include <errno.h>
#include <gnu/libc-version.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

static const struct sockaddr_un where = {.sun_family = AF_UNIX, .sun_path = "here"};
static const struct sockaddr* at = (const struct sockaddr*)&where;

/* What a connect by a socket of this type says, 0 if it succeeds. */
static int ask(int type) {
  const int client = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
  const int error = connect(client, at, sizeof where) == 0 ? 0 : errno;
  close(client);
  return error;
}

static int step(const char* what, int right, int wrong) {
  const int datagram = ask(SOCK_DGRAM), stream = ask(SOCK_STREAM);
  printf("%s: stream: %s; datagram: %s\n", what, strerrorname_np(stream),
         strerrorname_np(datagram));
  return stream == right && datagram == wrong;
}

int main(void) {
  struct utsname system;
  uname(&system);
  printf("Linux %s, glibc %s\n", system.release, gnu_get_libc_version());
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  if (bind(listener, at, sizeof where) != 0) return 2;

  int same = step("bound, not listening yet", ECONNREFUSED, EPROTOTYPE);
  if (listen(listener, 0) != 0) return 2;
  for (int i = 0; i < 5; ++i) ask(SOCK_DGRAM);
  struct pollfd waiting = {.fd = listener, .events = POLLIN};
  const int seen = poll(&waiting, 1, 0);
  printf("listening, asked five times by datagram sockets: the listener has %s\n",
         seen == 0 ? "seen nobody" : "seen somebody");
  same &= seen == 0;
  const int first = socket(AF_UNIX, SOCK_STREAM, 0); /* fills the queue of one */
  if (connect(first, at, sizeof where) != 0) return 2;
  same &= step("listening, its queue full", EAGAIN, EPROTOTYPE);
  close(listener);
  same &= step("closed, the file left over", ECONNREFUSED, ECONNREFUSED);
  return same ? 0 : 1;
}
C
gcc -Wall probe.c -o probe

if ./probe; then
  echo "as described: the wrong type is told apart only where somebody lives"
else
  echo "changed: connect() no longer answers as the head of this file says"
  exit 1
fi
