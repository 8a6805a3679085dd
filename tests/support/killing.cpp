// SPDX-License-Identifier: BSL-1.0
// Making and checking messages that show whether they are whole.
#include "support/killing.hpp"

#include "support/sanitizer.hpp"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace ferry::test {
namespace {

bool is_null_device(const unique_handle& handle) {
  struct stat status {};
  return ::fstat(handle.native(), &status) == 0 && S_ISCHR(status.st_mode) &&
         status.st_rdev == ::makedev(1, 3);
}

bool sleeps(int thread) {
  std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string line;
  std::getline(status, line);
  const std::size_t name_end = line.rfind(')');
  return name_end == std::string::npos || line.at(name_end + 2) == 'S';
}

}  // namespace

parcel::parcel(std::uint32_t its_number, std::size_t size, std::size_t handle_count, std::uint32_t its_writer)
    : writer(its_writer), number(its_number), body(size / sizeof(std::uint64_t)) {
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = (i + number) * 0x9e3779b97f4a7c15U;
  checksum = expected_checksum();
  handles.reserve(handle_count);
  if (handle_count != 0) handles.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  while (handles.size() < handle_count) handles.push_back(duplicate(handles.front()));
}

std::uint64_t parcel::expected_checksum() const {
  std::uint64_t sum = (std::uint64_t{writer} << 32U | number) + body.size();
  for (const std::uint64_t each : body) sum = sum * 31 + each;
  return sum;
}

bool parcel::is_whole() const {
  bool handles_right = true;
  for (const unique_handle& each : handles) handles_right &= is_null_device(each);
  return checksum == expected_checksum() && handles_right;
}

void check_parcel(const parcel& got, std::uint32_t number) {
  BOOST_REQUIRE(got.is_whole());
  BOOST_REQUIRE_EQUAL(got.number, number);
}

parcel take(connection& from) {
  auto got = from.recv_for<parcel>(patience);
  if (!got) throw std::runtime_error("nothing arrived in time");
  return std::move(*got);
}

void report(const kill_figures& figures) {
  BOOST_TEST_MESSAGE(figures.kills << " kills in an operation of " << figures.instructions
                                   << " instructions (" << figures.places << " different ones) and "
                                   << figures.system_calls << " system calls");
  BOOST_TEST(figures.kills > 1U);
}

std::size_t kills_to_make(std::size_t usual) {
  if (const char* const wish = std::getenv("FERRY_SOAK_KILLS")) return std::strtoul(wish, nullptr, 10);
  // Each takes several times as long, and what a sanitizer sees it sees early.
  return with_address_sanitizer ? usual / 4 : usual;
}

sleeper::sleeper(std::function<void()> work)
    : sleep_(std::async(std::launch::async, [this, work = std::move(work)] {
        thread_ = ::gettid();
        work();
      })) {
  wait_until([&] { return thread_ != 0; });
  wait_until([&] {
    return sleep_.wait_for(std::chrono::seconds(0)) == std::future_status::ready || sleeps(thread_);
  });
}

void sleeper::wake_up() {
  if (sleep_.wait_for(patience / 2) != std::future_status::ready)
    throw std::runtime_error("one that sleeps was not woken");
  sleep_.get();
}

}  // namespace ferry::test
