// SPDX-License-Identifier: BSL-1.0
// Tasks that hold handles or are to be run again, and workers that die before they get to that.
#include <ferry/event.hpp>
#include <ferry/file.hpp>
#include <ferry/pool.hpp>
#include <ferry/process.hpp>
#include <ferry/process_handle.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/shared_value.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

using namespace ferry;

namespace {

std::string first_word(file text) {
  std::array<std::byte, 5> word;
  const std::size_t size = text.read(word);
  return {reinterpret_cast<const char*>(word.data()), size};
}

file ferry_in_a_file() {
  shared_memory memory(5);
  const std::string_view word = "ferry";
  std::memcpy(memory.span().data(), word.data(), word.size());
  return file::adopt(duplicate(handle_view(memory.native_handle())));
}

void nothing() {}

using pid_box = shared_value<std::atomic<std::int64_t>>;

void tell_pid_and_stay(const pid_box& whose, const event& begun) {
  *whose = current_process().pid;
  begun.set();
  const event never;
  never.wait();
}

void begin_unless(const shared_value<std::atomic<bool>>& forbidden) {
  if (*forbidden) throw std::runtime_error("workers may not begin any more");
}

void kill_and_wait(std::int64_t pid) {
  const auto victim = process_handle::open(pid);
  victim.kill();
  victim.wait();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(handles_and_deaths)

BOOST_AUTO_TEST_CASE(a_task_with_a_handle_goes_past_a_worker_whose_death_nobody_has_seen_yet) {
  pool workers(1);
  // As long as the pool's thread is in a callback it buries nobody.
  event inside, go_on;
  workers.submit(fn<&nothing>).then([&] {
    inside.set();
    go_on.wait();
  });
  inside.wait();
  kill_and_wait(workers.pids().front());

  const task<std::string> reading = workers.submit(fn<&first_word>, ferry_in_a_file());
  BOOST_TEST(!reading.ready());
  go_on.set();
  BOOST_TEST(reading.get() == "ferry");
}

BOOST_AUTO_TEST_CASE(a_task_that_is_to_be_run_again_fails_when_the_pool_has_ended_meanwhile) {
  const shared_value<std::atomic<bool>> forbidden(false);
  pool workers(2, {.mode = transfer::duplicate}, fn<&begin_unless>, forbidden);
  const pid_box busy(0);
  const event begun;
  const task<void> staying = workers.with({.retries = 1}).submit(fn<&tell_pid_and_stay>, busy, begun);
  begun.wait();

  *forbidden = true;
  for (const std::int64_t pid : workers.pids())
    if (pid != *busy) kill_and_wait(pid);
  BOOST_CHECK_THROW(workers.apply(fn<&nothing>), std::runtime_error);

  kill_and_wait(*busy);
  BOOST_REQUIRE(staying.wait_for(std::chrono::seconds(30)));
  BOOST_CHECK_THROW(staying.get(), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
