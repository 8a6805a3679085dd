// SPDX-License-Identifier: BSL-1.0
// The table of all system calls that can fail for reasons of the world. Calls go through it so that tests can
// make them fail: EINTR, short reads and writes, EMFILE, ENOMEM, MSG_CTRUNC, ETOOMANYREFS, ENOSPC.
#pragma once

#include <cstdint>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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
  int (*accept4)(int, sockaddr*, socklen_t*, int) = ::accept4;
  int (*socketpair)(int, int, int, int*) = ::socketpair;
  int (*open)(const char*, int, mode_t) = [](const char* path, int flags, mode_t mode) {
    return ::open(path, flags, mode);
  };
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
