// SPDX-License-Identifier: BSL-1.0
// Whose turn it is, with work that only counts.
#include "pool/turns.hpp"

#include "os/event_handle.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <mutex>
#include <thread>

using namespace ferry;
using detail::turns;

namespace {

/// Under the lock of the turns that it is for.
class counted_work final : public detail::turn_work {
 public:
  int looks = 0, closer_looks = 0, keeper_looks = 0, left_to_keeper = 0;
  turns* of = nullptr;
  std::function<bool()> on_look = [] { return true; };

  bool look(lock_type&) override {
    of->listen_anew();
    ++looks;
    return on_look();
  }
  bool look_closer() override {
    ++closer_looks;
    return false;
  }
  void look_after_workers(lock_type&) override { ++keeper_looks; }
  void leave_to_keeper() noexcept override { ++left_to_keeper; }
};

struct turns_and_work {
  turns_and_work() { work.of = &whose; }

  counted_work work;
  turns whose{work};
  std::mutex mutex;

  bool wait(const std::function<bool()>& ready, deadline until = deadline::never(), bool comes_back = false,
            bool is_keeper = false) {
    turns::lock_type lock(mutex);
    return whose.wait(
        lock, ready, until, [comes_back] { return comes_back; }, is_keeper);
  }
  template <class Use>
  auto locked(Use&& use) {
    const std::lock_guard lock(mutex);
    return use();
  }
  void wait_until(const std::function<bool()>& so) {
    while (!locked(so)) std::this_thread::yield();
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(turn_taking)

BOOST_AUTO_TEST_CASE(a_thread_whose_deadline_is_over_looks_once) {
  turns_and_work all;
  BOOST_TEST(!all.wait([] { return false; }, deadline::immediately()));
  BOOST_TEST(all.work.looks == 1);
  BOOST_TEST(all.work.closer_looks == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_that_finds_it_done_looks_at_nothing) {
  turns_and_work all;
  BOOST_TEST(all.wait([] { return true; }));
  BOOST_TEST(all.work.looks == 0);
  BOOST_TEST(all.work.left_to_keeper == 0);
}

BOOST_AUTO_TEST_CASE(the_last_thread_to_leave_leaves_the_rest_to_the_keeper) {
  turns_and_work all;
  BOOST_TEST(all.wait([&] { return all.work.looks == 2; }));
  BOOST_TEST(all.work.left_to_keeper == 1);
  BOOST_TEST(!all.whose.somebody_leads());
}

BOOST_AUTO_TEST_CASE(a_thread_that_comes_back_leaves_nothing_to_the_keeper) {
  turns_and_work all;
  BOOST_TEST(all.wait([&] { return all.work.looks == 1; }, deadline::never(), true));
  BOOST_TEST(all.work.left_to_keeper == 0);
}

BOOST_AUTO_TEST_CASE(the_keeper_in_a_callback_looks_after_the_workers_as_well) {
  turns_and_work all;
  BOOST_TEST(all.wait([&] { return all.work.looks == 2; }, deadline::never(), true, true));
  BOOST_TEST(all.work.keeper_looks == 2);
}

BOOST_AUTO_TEST_CASE(the_bell_wakes_the_leader) {
  turns_and_work all;
  all.work.on_look = [] { return false; };
  std::thread worker([&] {
    all.wait_until([&] { return all.work.closer_looks == 1; });  // it is about to sleep, or sleeps
    all.whose.bell().ring();
  });
  BOOST_TEST(all.wait([&] { return all.work.looks == 2; }));
  worker.join();
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_work_leaves_the_turn_to_others) {
  turns_and_work all;
  all.work.on_look = []() -> bool { throw 7; };
  BOOST_CHECK_THROW(all.wait([] { return false; }), int);
  BOOST_TEST(!all.whose.somebody_leads());
  all.work.on_look = [] { return true; };
  BOOST_TEST(all.wait([&] { return all.work.looks == 2; }));
}

BOOST_AUTO_TEST_CASE(a_follower_leads_when_the_leader_leaves) {
  turns_and_work all;
  bool first_is_done = false;
  std::thread::id second_id;
  all.work.on_look = [] { return false; };
  std::thread first([&] { all.wait([&] { return first_is_done; }); });
  all.wait_until([&] { return all.whose.somebody_leads(); });
  bool second_has_led = false, second_asked = false;
  std::thread second([&] {
    all.wait([&] {
      second_asked = true;
      return second_has_led;
    });
  });
  all.wait_until([&] { return second_asked; });  // and the other leads: it follows from here on
  second_id = second.get_id();
  all.locked([&] {
    all.work.on_look = [&] { return second_has_led = std::this_thread::get_id() == second_id; };
    first_is_done = true;
    all.whose.changed_for_all();
  });
  first.join();
  second.join();
  BOOST_TEST(second_has_led);
  BOOST_TEST(all.work.left_to_keeper == 1);
}

BOOST_AUTO_TEST_CASE(a_called_keeper_does_not_sleep) {
  turns_and_work all;
  turns::lock_type lock(all.mutex);
  all.whose.keeper_begins();
  BOOST_TEST(!all.whose.keeper_was_called());
  all.whose.call_keeper();
  BOOST_TEST(all.whose.keeper_was_called());
  const unique_handle no_death = os::create_event_handle();
  all.whose.keeper_sleeps(lock, no_death, deadline::never(), false);
  BOOST_TEST(lock.owns_lock());
}

BOOST_AUTO_TEST_SUITE_END()
