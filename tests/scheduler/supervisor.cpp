// SPDX-License-Identifier: BSL-1.0
// What is done about workers that die, are late, or cannot be started, by a clock that does as it is told.
#include "scheduler/support.hpp"

#include <csignal>
#include <cstddef>
#include <memory>
#include <stdexcept>

using namespace ferry;
using namespace ferry::test;
using detail::supervisor;

namespace {

worker_end killed() {
  return {worker_end::kind::killed, SIGKILL};
}

detail::task_rules within(deadline::clock::duration timeout) {
  return {.timeout = timeout};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(supervision)

BOOST_AUTO_TEST_CASE(three_workers_in_a_row_that_end_before_they_are_ready_break_the_pool) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  const auto task = pool.add(batch);
  for (std::size_t i = 1; i <= supervisor::most_failed_starts; ++i) {
    BOOST_TEST(!pool.phase.broken());
    BOOST_REQUIRE(pool.tasks.workers().size() == 1U);
    pool.link(0).end({worker_end::kind::exited, 1, std::make_exception_ptr(std::domain_error("unwilling"))});
    pool.keep();
    pool.clock.pass(supervisor::pause_after_failure);
    pool.keep();
  }
  BOOST_TEST(pool.phase.broken());
  BOOST_TEST(pool.engine.started == supervisor::most_failed_starts);
  BOOST_TEST(failed_with<std::domain_error>(*task));
  BOOST_CHECK_THROW(pool.phase.check_open(), std::domain_error);
}

BOOST_AUTO_TEST_CASE(a_worker_that_was_ready_makes_failed_starts_forgotten) {
  parts_of_a_pool pool(1);
  for (std::size_t i = 0; i < 3 * supervisor::most_failed_starts; ++i) {
    pool.link(0).says.ready = i % 2 == 1;
    pool.link(0).says.run = 1;
    pool.link(0).end(killed());
    pool.keep();
    pool.clock.pass(supervisor::pause_after_failure);
    pool.keep();
  }
  BOOST_TEST(!pool.phase.broken());
}

BOOST_AUTO_TEST_CASE(a_pool_without_workers_ends_when_the_system_has_refused_fifty_times) {
  parts_of_a_pool pool(1);
  pool.engine.refuses = true;
  pool.link(0).says = {.ready = true, .run = 1};
  pool.link(0).end(killed());
  std::size_t attempts = 0;
  for (; !pool.phase.broken() && attempts < 1000; ++attempts) {
    pool.keep();
    pool.clock.pass(supervisor::pause_after_failure);
  }
  BOOST_TEST(attempts == supervisor::most_refused_starts);
  BOOST_CHECK_THROW(pool.phase.check_open(), system_error);
}

BOOST_AUTO_TEST_CASE(a_pool_with_workers_left_goes_on_however_often_the_system_refuses) {
  parts_of_a_pool pool(2);
  pool.engine.refuses = true;
  pool.link(0).says = {.ready = true, .run = 1};
  pool.link(0).end(killed());
  for (int i = 0; i < 200; ++i) {
    pool.keep();
    pool.clock.pass(supervisor::pause_after_failure);
  }
  BOOST_TEST(!pool.phase.broken());
  pool.engine.refuses = false;
  pool.keep();
  BOOST_TEST(pool.tasks.workers().size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_replacement_waits_for_a_moment_after_a_failure) {
  parts_of_a_pool pool(1);
  pool.link(0).end(killed());
  pool.keep();
  BOOST_TEST(pool.tasks.workers().empty());
  pool.clock.pass(supervisor::pause_after_failure - 1ms);
  pool.keep();
  BOOST_TEST(pool.tasks.workers().empty());
  pool.clock.pass(1ms);
  pool.keep();
  BOOST_TEST(pool.tasks.workers().size() == 1U);
}

BOOST_AUTO_TEST_CASE(workers_that_die_idle_break_the_pool_after_ten_for_each_of_its_workers) {
  parts_of_a_pool pool(2);
  std::size_t deaths = 0;
  for (; !pool.phase.broken() && deaths < 1000; ++deaths) {
    pool.link(0).says.ready = true;
    pool.link(0).end(killed());
    pool.keep();
    pool.clock.pass(supervisor::pause_after_failure);
    pool.keep();
  }
  BOOST_TEST(deaths == 2 * supervisor::most_idle_deaths);
}

BOOST_AUTO_TEST_CASE(an_answer_makes_idle_deaths_forgotten) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  for (std::size_t i = 0; i < 3 * supervisor::most_idle_deaths; ++i) {
    if (i % 5 == 0) {
      pool.add(batch);
      pool.tasks.place();
      pool.link(0).begin_task();
      pool.link(0).answer();
      BOOST_REQUIRE(pool.tasks.collect());
    }
    pool.link(0).says = {.ready = true};
    pool.link(0).end(killed());
    pool.keep();
    pool.clock.pass(supervisor::pause_after_failure);
    pool.keep();
  }
  BOOST_TEST(!pool.phase.broken());
}

BOOST_AUTO_TEST_CASE(a_dead_worker_takes_along_what_it_ran_and_nothing_else) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  const auto ran = pool.add(batch), ahead = pool.add(batch), third = pool.add(batch);
  pool.link(1).full = true;
  pool.tasks.place();
  pool.link(1).full = false;
  pool.link(0).begin_task();
  pool.link(0).end(killed());
  pool.keep();
  BOOST_TEST(failed_with<worker_died>(*ran));
  BOOST_TEST(batch->unfinished == 2U);
  BOOST_TEST(pool.tasks.out() == 2U);
  BOOST_TEST(!ahead->failure);
  BOOST_TEST(!third->failure);
}

BOOST_AUTO_TEST_CASE(a_task_that_may_be_retried_is_run_again) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  const auto task = pool.add(batch, 1, {.retries = 1});
  pool.tasks.place();
  pool.link(0).begin_task();
  pool.link(0).end(killed());
  pool.keep();
  BOOST_TEST(!task->failure);
  pool.link(0).begin_task();
  pool.link(0).end(killed());
  pool.keep();
  BOOST_TEST(failed_with<worker_died>(*task));
}

BOOST_AUTO_TEST_CASE(the_items_behind_a_deadly_one_wait_for_another_worker) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  const auto task = pool.add(batch, 10);
  pool.tasks.place();
  pool.link(0).begin_task();
  pool.link(0).says.item = 3;
  pool.link(0).end(killed());
  pool.keep();
  BOOST_TEST(task->count == 4U);
  try {
    std::rethrow_exception(task->failure);
  } catch (const worker_died& death) {
    BOOST_TEST(death.task() == 3U);
  }
  BOOST_TEST(batch->unfinished == 1U);
  BOOST_REQUIRE(pool.tasks.workers().size() == 1U);
  pool.link(0).begin_task();
  BOOST_TEST(pool.link(0).begun->count == 6U);
}

BOOST_AUTO_TEST_CASE(a_task_before_which_three_workers_end_is_given_to_no_more) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  const auto task = pool.add(batch);
  for (std::size_t i = 0; i < detail::dispatcher::most_misses; ++i) {
    BOOST_TEST(!task->failure);
    pool.tasks.place();
    pool.link(0).says = {.ready = true, .run = 1};
    pool.link(0).end(killed());
    pool.keep();
  }
  BOOST_TEST(failed_with<worker_died>(*task));
}

BOOST_AUTO_TEST_CASE(a_job_of_whose_making_three_workers_die_fails_the_tasks_that_need_it) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  const auto task = pool.add(batch);
  for (std::size_t i = 0; i < supervisor::most_deaths_of_making; ++i) {
    BOOST_TEST(!task->failure);
    pool.tasks.place();
    pool.link(0).begin();  // the job
    pool.link(0).end(killed());
    pool.keep();
  }
  BOOST_TEST(failed_with<worker_died>(*task));
  BOOST_TEST(!pool.phase.broken());
}

BOOST_AUTO_TEST_CASE(a_worker_that_takes_longer_than_the_timeout_is_killed) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  const auto task = pool.add(batch, 1, within(50ms));
  pool.tasks.place();
  pool.link(0).begin_task();
  pool.link(0).says.begun_at = pool.clock.nanoseconds();
  pool.keep();
  pool.clock.pass(49ms);
  pool.keep();
  BOOST_TEST(!pool.link(0).killed);
  pool.clock.pass(1ms);
  pool.keep();
  BOOST_TEST(pool.link(0).killed);
  pool.link(0).end(killed());
  pool.keep();
  try {
    std::rethrow_exception(task->failure);
  } catch (const worker_died& death) {
    BOOST_TEST((death.why() == worker_died::cause::timed_out));
  }
}

BOOST_AUTO_TEST_CASE(a_worker_that_lies_about_when_it_began_has_no_more_than_the_timeouts_of_all_its_items) {
  parts_of_a_pool pool(1);
  pool.add(std::make_shared<fake_batch>(), 4, within(50ms));
  pool.tasks.place();
  pool.link(0).begin_task();
  const auto lie = [&] {
    pool.link(0).says.begun_at = pool.clock.nanoseconds() + 1;
    pool.keep();
  };
  lie();
  for (int i = 0; i < 4 * 50 - 1; ++i) {
    pool.clock.pass(1ms);
    lie();
  }
  BOOST_TEST(!pool.link(0).killed);
  pool.clock.pass(1ms);
  lie();
  BOOST_TEST(pool.link(0).killed);
}

BOOST_AUTO_TEST_CASE(a_worker_that_does_not_begin_a_task_with_a_timeout_has_a_second_at_least) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch, 1, within(1ms));
  pool.tasks.place();
  pool.link(0).says = {.ready = true};
  pool.keep();
  pool.clock.pass(supervisor::least_time_to_begin - 1ms);
  pool.keep();
  BOOST_TEST(!pool.link(0).killed);
  pool.clock.pass(1ms);
  pool.keep();
  BOOST_TEST(pool.link(0).killed);
}

BOOST_AUTO_TEST_CASE(a_worker_that_does_not_begin_a_task_with_a_long_timeout_has_ten_seconds) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch, 1, within(1h));
  pool.tasks.place();
  pool.link(0).says = {.ready = true};
  pool.keep();
  pool.clock.pass(supervisor::most_time_to_begin - 1ms);
  pool.keep();
  BOOST_TEST(!pool.link(0).killed);
  pool.clock.pass(1ms);
  pool.keep();
  BOOST_TEST(pool.link(0).killed);
}

BOOST_AUTO_TEST_CASE(a_worker_is_not_late_before_it_is_ready) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch, 1, within(1ms));
  pool.tasks.place();
  pool.keep();
  pool.clock.pass(1h);
  pool.keep();
  BOOST_TEST(!pool.link(0).killed);
  BOOST_TEST(!pool.supervisor.next_event().is_never());  // it may begin at any moment
}

BOOST_AUTO_TEST_CASE(terminated_workers_are_killed_two_seconds_later_and_again) {
  parts_of_a_pool pool(1);
  pool.phase.terminate();
  pool.supervisor.terminate_all();
  BOOST_TEST(pool.link(0).terminated);
  pool.clock.pass(supervisor::kill_after - 1ms);
  pool.keep();
  BOOST_TEST(!pool.link(0).killed);
  pool.clock.pass(1ms);
  pool.keep();
  BOOST_TEST(pool.link(0).killed);
  pool.link(0).killed = false;
  pool.clock.pass(supervisor::pause_after_failure);
  pool.keep();
  BOOST_TEST(pool.link(0).killed);
}

BOOST_AUTO_TEST_CASE(a_supervisor_has_nothing_to_do_while_nothing_happens) {
  parts_of_a_pool pool(2);
  BOOST_TEST(pool.supervisor.next_event().is_never());
  pool.add(std::make_shared<fake_batch>());
  pool.tasks.place();
  BOOST_TEST(pool.supervisor.next_event().is_never());
}

BOOST_AUTO_TEST_CASE(workers_end_when_a_closed_pool_has_no_more_tasks) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch);
  pool.tasks.place();
  pool.phase.close();
  pool.supervisor.finish_all();
  BOOST_TEST(!pool.link(0).finished);
  pool.link(0).begin_task();
  pool.link(0).answer();
  pool.tasks.collect();
  pool.supervisor.finish_all();
  BOOST_TEST(pool.link(0).finished);
}

BOOST_AUTO_TEST_SUITE_END()
