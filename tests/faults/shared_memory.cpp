// SPDX-License-Identifier: BSL-1.0
// Shared memory when memory, descriptors or patience run out. The leak check around every case sees what is
// left.
#include <ferry/archive.hpp>
#include <ferry/error.hpp>
#include <ferry/shared_memory.hpp>

#include "os/handle.hpp"
#include "support/child.hpp"
#include "support/crossing.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"
#include "support/unused_name.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <signal.h>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

template <int Code>
int failing_fallocate(int, int, off_t, off_t) {
  errno = Code;
  return -1;
}

void use(const shared_memory& memory) {
  std::ranges::fill(memory.span(), std::byte{1});
}

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_memory_faults)

// known failure 16: a full /dev/shm is an exception, never SIGBUS
BOOST_AUTO_TEST_CASE(a_full_memory_is_an_exception_that_names_size_and_cure) {
  const scoped_system_call full(&os::system_calls::fallocate, failing_fallocate<ENOSPC>);
  BOOST_CHECK_EXCEPTION(shared_memory(5000), system_error,
                        fails_with(std::errc::no_space_on_device, "of 5000 bytes"));
  BOOST_CHECK_EXCEPTION(shared_memory(5000), system_error,
                        fails_with(std::errc::no_space_on_device, "--shm-size"));
  const std::string name = unused_name("full");
  BOOST_CHECK_EXCEPTION(shared_memory::create_named(5000, name), system_error,
                        fails_with(std::errc::no_space_on_device, name));
  BOOST_TEST(!std::filesystem::exists("/dev/shm/" + name));
}

BOOST_AUTO_TEST_CASE(memory_that_runs_out_in_the_middle_leaves_none_of_it) {
  static int calls;
  calls = 0;
  const scoped_system_call full(&os::system_calls::fallocate,
                                [](int fd, int mode, off_t offset, off_t length) {
                                  if (++calls == 3) {
                                    errno = ENOMEM;
                                    return -1;
                                  }
                                  return ::fallocate(fd, mode, offset, length);
                                });
  BOOST_CHECK_EXCEPTION(shared_memory(8 * mebibyte), system_error,
                        fails_with(std::errc::not_enough_memory, "ask for less"));
  use(shared_memory(8 * mebibyte));
}

BOOST_AUTO_TEST_CASE(a_mapping_that_fails_takes_the_memory_and_the_name_along) {
  const std::string name = unused_name("unmapped");
  {
    const scoped_system_call no_room(&os::system_calls::mmap, [](void*, size_t, int, int, int, off_t) {
      errno = ENOMEM;
      return MAP_FAILED;
    });
    BOOST_CHECK_EXCEPTION(shared_memory(5000), system_error,
                          fails_with(std::errc::not_enough_memory, "map 5000 bytes"));
    BOOST_CHECK_THROW(shared_memory::create_named(5000, name), system_error);
    BOOST_TEST(!std::filesystem::exists("/dev/shm/" + name));
  }
  const shared_memory memory(5000);
  message sent = dumps(memory);
  {
    const scoped_system_call no_room(&os::system_calls::mmap, [](void*, size_t, int, int, int, off_t) {
      errno = ENOMEM;
      return MAP_FAILED;
    });
    BOOST_CHECK_THROW(loads<shared_memory>(std::move(sent)), error);
    BOOST_CHECK_THROW(memory.read_only(), system_error);
  }
  use(cross(memory));
}

BOOST_AUTO_TEST_CASE(a_signal_during_every_second_call_changes_nothing) {
  static int calls;
  calls = 0;
  const scoped_system_call interrupted(&os::system_calls::fallocate,
                                       [](int fd, int mode, off_t offset, off_t length) {
                                         if (++calls % 2 == 1) {
                                           errno = EINTR;
                                           return -1;
                                         }
                                         return ::fallocate(fd, mode, offset, length);
                                       });
  const scoped_system_call interrupted_open(&os::system_calls::open,
                                            [](const char* path, int flags, mode_t mode) {
                                              if (++calls % 2 == 1) {
                                                errno = EINTR;
                                                return -1;
                                              }
                                              return ::open(path, flags, mode);
                                            });
  use(shared_memory(3 * mebibyte));
  const shared_memory memory = shared_memory::create_named(mebibyte);
  use(shared_memory::open_named(memory.name()));
  BOOST_TEST((memory.read_only().read_span()[0] == std::byte{1}));
}

BOOST_AUTO_TEST_CASE(a_timer_that_never_stops_does_not_keep_memory_from_being_made) {
  static volatile sig_atomic_t ticks;
  ticks = 0;
  struct sigaction count {
  }, before{};
  count.sa_handler = [](int) { ticks = ticks + 1; };
  BOOST_REQUIRE(::sigaction(SIGALRM, &count, &before) == 0);
  const itimerval often{{0, 2000}, {0, 2000}}, never{};
  BOOST_REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  const shared_memory memory(64 * mebibyte);
  BOOST_REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
  BOOST_REQUIRE(::sigaction(SIGALRM, &before, nullptr) == 0);
  BOOST_TEST(memory.size() == 64 * mebibyte);
}

BOOST_AUTO_TEST_CASE(a_process_out_of_descriptors_is_told_the_limit_and_the_cure) {
  const shared_memory memory(100), named = shared_memory::create_named(100);
  {
    const scoped_fd_limit none(0);
    const auto told = fails_with(std::errc::too_many_files_open, "ulimit -n");
    BOOST_CHECK_EXCEPTION(shared_memory(100), system_error, told);
    BOOST_CHECK_EXCEPTION(shared_memory::create_named(100), system_error, told);
    BOOST_CHECK_EXCEPTION(shared_memory::open_named(named.name()), system_error, told);
    BOOST_CHECK_EXCEPTION(memory.read_only(), system_error, told);
    BOOST_CHECK_EXCEPTION(dumps(memory), system_error, told);
    use(memory);
  }
  use(cross(memory));
}

// The kernel's answer would be SIGXFSZ, which ends the process.
BOOST_AUTO_TEST_CASE(a_limit_of_file_sizes_is_an_exception_and_no_signal) {
  {
    const scoped_limit small(RLIMIT_FSIZE, 4096);
    BOOST_CHECK_EXCEPTION(shared_memory(4097), system_error,
                          fails_with(std::errc::file_too_large, "ulimit -f"));
    BOOST_CHECK_EXCEPTION(shared_memory::create_named(4097), system_error,
                          fails_with(std::errc::file_too_large, "4096"));
    use(shared_memory(4096));
  }
  use(shared_memory(4097));
}

BOOST_AUTO_TEST_CASE(more_memory_than_the_machine_has_is_an_exception_and_kills_nobody) {
  BOOST_CHECK_EXCEPTION(shared_memory(std::size_t{1} << 50U), system_error,
                        fails_with(std::errc::not_enough_memory, "can be had"));
}

BOOST_AUTO_TEST_CASE(a_limit_of_address_space_is_an_exception) {
  BOOST_TEST(fork_child([] {
               std::size_t pages = 0;
               std::ifstream("/proc/self/statm") >> pages;
               const std::size_t in_use = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
               const std::size_t before = os::open_handles();
               const scoped_limit narrow(RLIMIT_AS, in_use + 8 * mebibyte);
               try {
                 const shared_memory too_large(64 * mebibyte);
                 return 1;
               } catch (const system_error& problem) {
                 if (!fails_with(std::errc::not_enough_memory, "ulimit -v")(problem)) return 2;
               }
               use(shared_memory(mebibyte));
               return os::open_handles() == before ? 0 : 3;
             }) == 0);
}

// known failure 16: the same with a file system that is really full
BOOST_AUTO_TEST_CASE(a_dev_shm_that_is_really_full_is_an_exception_and_no_sigbus) {
  constexpr int cannot_mount = 77;
  const int code = fork_child([] {
    const auto only = [](auto id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
    const std::string user = only(::getuid()), group = only(::getgid());
    if (::unshare(CLONE_NEWNS) != 0) {  // not root: in a world of its own it may
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return cannot_mount;
      std::ofstream("/proc/self/uid_map") << user;
      std::ofstream("/proc/self/setgroups") << "deny";
      std::ofstream("/proc/self/gid_map") << group;
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m") != 0)
      return cannot_mount;
    const auto is_full = fails_with(std::errc::no_space_on_device, "/dev/shm");
    try {
      const shared_memory too_large = shared_memory::create_named(2 * mebibyte);
      return 1;
    } catch (const system_error& problem) {
      if (!is_full(problem)) return 2;
    }
    {
      const shared_memory fits = shared_memory::create_named(mebibyte / 2);
      use(fits);
      // What other programs make is only promised, not allocated.
      const unique_handle promised(::open("/dev/shm/promised", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      if (::ftruncate(promised.native(), static_cast<off_t>(mebibyte)) != 0) return 3;
      try {
        use(shared_memory::open_named("promised"));
        return 4;
      } catch (const system_error& problem) {
        if (!is_full(problem)) return 5;
      }
    }
    use(shared_memory::open_named("promised"));
    return 0;
  });
  if (code == cannot_mount) {
    BOOST_TEST_MESSAGE("not allowed to mount: only the injected ENOSPC was tested");
    return;
  }
  BOOST_TEST(code == 0);
}

BOOST_AUTO_TEST_SUITE_END()
