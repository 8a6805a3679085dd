// Tasks that hold handles, and workers that die before they get them.
#include <ferry/event.hpp>
#include <ferry/file.hpp>
#include <ferry/pool.hpp>
#include <ferry/process_handle.hpp>
#include <ferry/shared_memory.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstring>
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
  const auto victim = process_handle::open(workers.pids().front());
  victim.kill();
  victim.wait();

  const task<std::string> reading = workers.submit(fn<&first_word>, ferry_in_a_file());
  BOOST_TEST(!reading.ready());
  go_on.set();
  BOOST_TEST(reading.get() == "ferry");
}

BOOST_AUTO_TEST_SUITE_END()
