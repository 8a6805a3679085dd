// SPDX-License-Identifier: BSL-1.0
// Files when calls are interrupted or short, or the disk, the limits or the descriptors run out.
#include <ferry/error.hpp>
#include <ferry/file.hpp>

#include "support/crossing.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

struct scratch_file {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("ferry_faults_" + std::to_string(::getpid()));
  file opened = file::open(path, file::mode::create);
  ~scratch_file() { std::filesystem::remove(path); }
};

std::string content(file& from) {
  from.seek(0);
  std::string text;
  std::array<std::byte, 64> block;
  while (const std::size_t got = from.read(block))
    text.append(reinterpret_cast<const char*>(block.data()), got);
  return text;
}

int calls;

}  // namespace

BOOST_AUTO_TEST_SUITE(file_faults)

BOOST_AUTO_TEST_CASE(short_and_interrupted_calls_lose_and_double_nothing) {
  scratch_file scratch;
  calls = 0;
  const scoped_system_call short_write(&os::system_calls::write,
                                       [](int fd, const void* from, size_t size) -> ssize_t {
                                         if (++calls % 2 == 1) {
                                           errno = EINTR;
                                           return -1;
                                         }
                                         return ::write(fd, from, std::min<size_t>(size, 3));
                                       });
  const scoped_system_call short_read(&os::system_calls::read,
                                      [](int fd, void* into, size_t size) -> ssize_t {
                                        if (++calls % 2 == 1) {
                                          errno = EINTR;
                                          return -1;
                                        }
                                        return ::read(fd, into, std::min<size_t>(size, 2));
                                      });
  const scoped_system_call interrupted_open(&os::system_calls::open,
                                            [](const char* path, int flags, mode_t mode) {
                                              if (++calls % 2 == 1) {
                                                errno = EINTR;
                                                return -1;
                                              }
                                              return ::open(path, flags, mode);
                                            });
  scratch.opened.write("a text of some length");
  file again = file::open(scratch.path);
  BOOST_TEST(content(again) == "a text of some length");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_device_is_passed_on_and_the_file_stays_usable) {
  scratch_file scratch;
  {
    const scoped_system_call broken(&os::system_calls::write, [](int, const void*, size_t) -> ssize_t {
      errno = EIO;
      return -1;
    });
    BOOST_CHECK_EXCEPTION(scratch.opened.write("x"), system_error,
                          fails_with(std::errc::io_error, "1 bytes left"));
  }
  scratch.opened.write("y");
  BOOST_TEST(content(scratch.opened) == "y");
}

BOOST_AUTO_TEST_CASE(a_full_device_is_an_exception) {
  file full = file::open("/dev/full", file::mode::write);
  BOOST_CHECK_EXCEPTION(full.write("x"), system_error, fails_with(std::errc::no_space_on_device, "left"));
}

BOOST_AUTO_TEST_CASE(a_limit_of_file_sizes_is_an_exception_and_no_signal) {
  scratch_file scratch;
  {
    const scoped_limit small(RLIMIT_FSIZE, 10);
    BOOST_CHECK_EXCEPTION(scratch.opened.write("more than ten bytes"), system_error,
                          fails_with(std::errc::file_too_large, "ulimit -f"));
    BOOST_TEST(scratch.opened.position() == 10U);
  }
  scratch.opened.write("!");
  BOOST_TEST(content(scratch.opened) == "more than !");
}

BOOST_AUTO_TEST_CASE(a_process_out_of_descriptors_is_told_the_limit_and_the_cure) {
  scratch_file scratch;
  {
    const scoped_fd_limit none(0);
    BOOST_CHECK_EXCEPTION(file::open(scratch.path), system_error,
                          fails_with(std::errc::too_many_files_open, "ulimit -n"));
    BOOST_CHECK_EXCEPTION(cross(scratch.opened), system_error,
                          fails_with(std::errc::too_many_files_open, "ulimit -n"));
    scratch.opened.write("usable");
  }
  BOOST_TEST(cross(scratch.opened).size() == 6U);
}

BOOST_AUTO_TEST_SUITE_END()
