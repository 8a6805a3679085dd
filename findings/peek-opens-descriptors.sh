#!/usr/bin/env bash
# SPDX-License-Identifier: BSL-1.0
# Linux: looking at a message with MSG_PEEK opens the descriptors in it, each time
#
# Guess:        MSG_PEEK changes nothing: the message stays in the queue with the
#               descriptors it carries, and they are received once, when it is.
# What happens: recvmsg() with MSG_PEEK and room for control data installs new
#               descriptors at every look, as a true receipt does. Who peeks
#               three times to see the size of a message, and receives it then,
#               has four descriptors of the one file and knows of one.
#               (Peeking without room for control data opens none, and says so by
#               MSG_CTRUNC.)
# Seen with:    Linux 6.18, glibc 2.36
# Source:       net/unix/af_unix.c in the kernel, unix_peek_fds(); unix(7) and
#               recv(2) do not say it
#
# usage: peek-opens-descriptors.sh     needs gcc and /proc
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
#include <dirent.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

/* How many descriptors this process has open (and one for the question). */
static int open_now(void) {
  int count = 0;
  DIR* directory = opendir("/proc/self/fd");
  for (struct dirent* entry; (entry = readdir(directory)) != NULL;) count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

static int look(int from, size_t room, int flags) {
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  char text[8];
  struct iovec data = {text, sizeof text};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
  if (room != 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = room;
  }
  const int before = open_now();
  recvmsg(from, &message, flags);
  return open_now() - before;
}

int main(void) {
  struct utsname system;
  uname(&system);
  printf("Linux %s, glibc %s\n", system.release, gnu_get_libc_version());

  int pair[2], pipes[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0 || pipe(pipes) != 0) return 2;
  union {
    struct cmsghdr aligned;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control = {0};
  char text[] = "one";
  struct iovec data = {text, sizeof text};
  struct msghdr message = {.msg_iov = &data,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(header), &pipes[0], sizeof(int));
  if (sendmsg(pair[0], &message, 0) < 0) return 2;

  const int bare = look(pair[1], 0, MSG_PEEK);
  int peeked = 0;
  for (int i = 0; i < 3; ++i) peeked += look(pair[1], CMSG_SPACE(sizeof(int)), MSG_PEEK);
  const int received = look(pair[1], CMSG_SPACE(sizeof(int)), 0);
  printf("one message with one descriptor\n"
         "descriptors opened by a peek without room for control data: %d\n"
         "by three peeks with room: %d\n"
         "by receiving it: %d\n",
         bare, peeked, received);
  return bare == 0 && peeked == 3 && received == 1 ? 0 : 1;
}
C
gcc -Wall probe.c -o probe

if ./probe; then
  echo "as described: every look opens a descriptor of its own"
else
  echo "changed: MSG_PEEK no longer behaves as the head of this file says"
  exit 1
fi
