// SPDX-License-Identifier: BSL-1.0
// A process is killed at any instruction of offering and taking handles, and of making shared memory.
#include <ferry/offer.hpp>
#include <ferry/process.hpp>
#include <ferry/shared_memory.hpp>

#include "os/socket.hpp"
#include "support/killing.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>

using namespace ferry;
using namespace ferry::test;

namespace {

std::set<std::string> names_in(const std::filesystem::path& folder, const std::string& prefix) {
  std::set<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    if (each.path().filename().string().starts_with(prefix)) names.insert(each.path());
  }
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(killed_at_any_instruction_of_sharing)

BOOST_AUTO_TEST_CASE(a_process_killed_while_it_offers_a_handle_takes_it_along) {
  report(kill_everywhere([] {
    auto [reading, writing] = os::plain_pipe();
    const auto own = std::make_shared<unique_handle>(std::move(writing));
    const auto end = std::make_shared<connection>(std::move(reading), access::read_only);
    return deed{[=] { make_offer(*own); },
                [=] {
                  own->reset();
                  BOOST_CHECK_THROW(end->recv_bytes_for(patience), end_of_stream);
                }};
  }));
}

BOOST_AUTO_TEST_CASE(a_process_killed_while_it_takes_an_offer_leaves_it_whole_or_has_it) {
  std::size_t left = 0, gone = 0;
  report(kill_everywhere([&] {
    auto [reading, writing] = os::plain_pipe();
    const auto end = std::make_shared<connection>(std::move(reading), access::read_only);
    const offer made = make_offer(writing);
    return deed{[=] { take_offer(made); },
                [=, &left, &gone] {
                  try {
                    connection(take_offer(made), access::write_only).send(parcel(1, 64, 0));
                    check_parcel(take(*end), 1);
                    ++left;
                  } catch (const transfer_error&) {
                    ++gone;
                  }
                  BOOST_CHECK(!withdraw_offer(made));
                  BOOST_CHECK_THROW(end->recv_bytes_for(patience), end_of_stream);
                }};
  }));
  BOOST_WARN(left > 0U);
  BOOST_WARN(gone > 0U);
  // The last socket is closed with the next offer.
  const auto ends = os::plain_pipe();
  withdraw_offer(make_offer(ends.first));
}

BOOST_AUTO_TEST_CASE(a_process_killed_while_it_creates_anonymous_memory_leaves_nothing) {
  const auto temporary = std::filesystem::temp_directory_path();
  const auto memory_before = names_in("/dev/shm", ""), files_before = names_in(temporary, "ferry");
  report(kill_everywhere([] {
    return deed{[] { shared_memory(std::size_t{100'000}).span()[0] = std::byte{1}; }, [] {}};
  }));
  // Other tests, which run at the same time, have names there for a while; what is left behind stays.
  const auto is_gone = [](const auto& before, const auto& now) {
    return std::includes(before.begin(), before.end(), now.begin(), now.end());
  };
  bool gone = false;
  for (const deadline until = deadline::after(patience); !gone && !until.expired();
       std::this_thread::yield()) {
    gone = is_gone(memory_before, names_in("/dev/shm", "")) &&
           is_gone(files_before, names_in(temporary, "ferry"));
  }
  BOOST_CHECK(gone);
}

// A name is there with all of the memory behind it, or not at all. Who is killed cannot take it along.
BOOST_AUTO_TEST_CASE(a_process_killed_while_it_creates_named_memory_leaves_all_of_it_or_nothing) {
  const std::string name = "ferry_killed_" + std::to_string(current_process().pid);
  std::size_t whole = 0, none = 0;
  report(kill_everywhere([&] {
    return deed{[&] { shared_memory::create_named(100'000, name).span()[0] = std::byte{1}; },
                [&] {
                  if (!std::filesystem::exists("/dev/shm/" + name)) {
                    ++none;
                    return;
                  }
                  BOOST_TEST(shared_memory::open_named(name).size() == 100'000U);
                  BOOST_TEST(std::filesystem::remove("/dev/shm/" + name));
                  ++whole;
                }};
  }));
  BOOST_WARN(whole > 0U);
  BOOST_WARN(none > 0U);
}

BOOST_AUTO_TEST_SUITE_END()
