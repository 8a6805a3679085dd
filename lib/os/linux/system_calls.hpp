// SPDX-License-Identifier: BSL-1.0
// Replaceable table of system calls: tests make them fail or come back short (EINTR, EMFILE, ENOMEM, ENOSPC,
// MSG_CTRUNC, ETOOMANYREFS).
//
// In it is what may be refused for lack of something, or be interrupted: the calls that make a handle, a
// name, memory, a process or a connection, that move bytes, that wait, and that reach another process.
// lib/os/linux makes them through the table alone (tests/floors/check), but for code that runs where nothing
// may be refused: in a copy of this process before its own work, when what was half made is taken back, and
// on an eventfd, which does not run full.
//
// Not in it is what looks at or sets up a handle that is there (fstat, fcntl, getsockopt, shutdown, close),
// and what the C library does within a function of its own (sem_open, getaddrinfo, pthread_create).
#pragma once

#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ferry::os {

struct system_calls {
  int (*dup_cloexec)(int fd) = [](int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 3); };
  ssize_t (*sendmsg)(int, const msghdr*, int) = ::sendmsg;
  ssize_t (*send)(int, const void*, size_t, int) = ::send;
  ssize_t (*recvmsg)(int, msghdr*, int) = ::recvmsg;
  ssize_t (*read)(int, void*, size_t) = ::read;
  ssize_t (*write)(int, const void*, size_t) = ::write;
  ssize_t (*writev)(int, const iovec*, int) = ::writev;
  int (*poll)(pollfd*, nfds_t, int) = ::poll;
  int (*epoll_create1)(int) = ::epoll_create1;
  int (*epoll_ctl)(int, int, int, epoll_event*) = ::epoll_ctl;
  int (*timerfd_create)(int, int) = ::timerfd_create;
  int (*pipe2)(int*, int) = ::pipe2;
  int (*socket)(int, int, int) = ::socket;
  int (*bind)(int, const sockaddr*, socklen_t) = ::bind;
  int (*listen)(int, int) = ::listen;
  int (*connect)(int, const sockaddr*, socklen_t) = ::connect;
  int (*accept4)(int, sockaddr*, socklen_t*, int) = ::accept4;
  int (*socketpair)(int, int, int, int*) = ::socketpair;
  int (*open)(const char*, int, mode_t) = [](const char* path, int flags, mode_t mode) {
    return ::open(path, flags, mode);
  };
  int (*openat)(int, const char*, int) = [](int folder, const char* name, int flags) {
    return ::openat(folder, name, flags);
  };
  int (*linkat)(int, const char*, int, const char*, int) = ::linkat;
  int (*flock)(int, int) = ::flock;
  off_t (*lseek)(int, off_t, int) = ::lseek;
  ssize_t (*getrandom)(void*, size_t, unsigned) = ::getrandom;
  int (*memfd_create)(const char*, unsigned) = ::memfd_create;
  int (*eventfd)(unsigned, int) = ::eventfd;
  int (*fallocate)(int, int, off_t, off_t) = ::fallocate;
  void* (*mmap)(void*, size_t, int, int, int, off_t) = ::mmap;
  int (*posix_spawn)(pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*,
                     char* const*, char* const*) = ::posix_spawn;
  pid_t (*fork)() = ::fork;
  // By number: <sys/pidfd.h> of glibc 2.36 declares these for C only.
  int (*pidfd_open)(pid_t, unsigned) = [](pid_t process, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_open, process, flags));
  };
  int (*kill)(pid_t, int) = ::kill;
  int (*pidfd_send_signal)(int, int, siginfo_t*, unsigned) = [](int process, int number, siginfo_t* info,
                                                                unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, process, number, info, flags));
  };
  int (*pidfd_getfd)(int, int, unsigned) = [](int process, int number, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_getfd, process, number, flags));
  };
  long (*futex)(std::uint32_t*, int, std::uint32_t, const timespec*, std::uint32_t*, std::uint32_t) =
      [](std::uint32_t* word, int operation, std::uint32_t value, const timespec* end, std::uint32_t* other,
         std::uint32_t bits) { return ::syscall(SYS_futex, word, operation, value, end, other, bits); };
  int (*waitid)(idtype_t, id_t, siginfo_t*, int) = ::waitid;
};

/// The table in force: the real calls, unless a test has put others in. Not to be changed while other threads
/// use the library.
system_calls& calls() noexcept;

}  // namespace ferry::os
