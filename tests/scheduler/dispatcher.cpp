// SPDX-License-Identifier: BSL-1.0
// Which worker gets which task, with workers that do as they are told.
#include "scheduler/support.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>

using namespace ferry;
using namespace ferry::test;

namespace {

std::size_t tasks_ahead(const fake_link& link) {
  return static_cast<std::size_t>(std::count_if(link.ahead.begin(), link.ahead.end(), [](const auto& each) {
    return each.what == record_title::kind::run;
  }));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(dispatching)

BOOST_AUTO_TEST_CASE(a_worker_that_answers_nonsense_is_killed_and_its_task_stays_with_it) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch);
  pool.tasks.place();
  pool.link(0).begin_task();
  pool.link(0).answers_nonsense = true;
  pool.tasks.collect();
  BOOST_TEST(pool.link(0).killed);
  BOOST_TEST(batch->unfinished == 1U);
  BOOST_TEST(pool.tasks.out() == 1U);
}

BOOST_AUTO_TEST_CASE(an_answer_to_a_task_that_was_not_sent_is_nonsense) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch);
  pool.tasks.place();
  pool.link(0).begin_task();
  ++pool.link(0).begun->id;
  pool.link(0).answer();
  pool.tasks.collect();
  BOOST_TEST(pool.link(0).killed);
  BOOST_TEST(pool.tasks.answers() == 0U);
}

BOOST_AUTO_TEST_CASE(a_job_that_cannot_be_installed_fails_the_task_that_needs_it) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.job->failure = std::make_exception_ptr(std::domain_error("deadly"));
  const auto task = pool.add(batch);
  pool.tasks.place();
  BOOST_TEST(failed_with<std::domain_error>(*task));
  BOOST_TEST(batch->unfinished == 0U);
  BOOST_TEST(pool.link(0).ahead.empty());
}

BOOST_AUTO_TEST_CASE(a_worker_without_room_does_not_hold_up_the_others) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  pool.link(0).full = true;
  pool.add(batch);
  pool.add(batch);
  pool.tasks.place();
  BOOST_TEST(pool.tasks.out() == 2U);
  BOOST_TEST(tasks_ahead(pool.link(1)) == 2U);
}

BOOST_AUTO_TEST_CASE(a_task_that_is_worth_it_wakes_the_worker_that_has_nothing_to_do) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  for (int i = 0; i < 4; ++i) pool.add(batch);
  pool.tasks.place();
  BOOST_TEST(tasks_ahead(pool.link(0)) == 2U);
  BOOST_TEST(tasks_ahead(pool.link(1)) == 2U);
}

BOOST_AUTO_TEST_CASE(short_tasks_wait_behind_others_rather_than_wake_a_worker) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch);
  pool.tasks.place();
  pool.link(0).begin_task();
  pool.link(0).answer(1'000);  // so long does an item take
  BOOST_REQUIRE(pool.tasks.collect());
  for (int i = 0; i < 10; ++i) pool.add(batch);
  pool.tasks.place();
  BOOST_TEST(tasks_ahead(pool.link(0)) == 10U);
  BOOST_TEST(pool.link(1).ahead.empty());
}

BOOST_AUTO_TEST_CASE(no_more_than_64_tasks_are_sent_ahead_to_a_worker) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  for (int i = 0; i < 100; ++i) pool.add(batch);
  pool.tasks.place();
  BOOST_TEST(tasks_ahead(pool.link(0)) == 64U);
  BOOST_TEST(pool.tasks.any_waiting());
}

BOOST_AUTO_TEST_CASE(a_job_is_installed_once_in_each_worker) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  for (int i = 0; i < 3; ++i) pool.add(batch);
  pool.tasks.place();
  BOOST_REQUIRE(pool.link(0).ahead.size() == 4U);
  BOOST_TEST((pool.link(0).ahead.front().what == record_title::kind::make));
  BOOST_TEST(pool.link(0).ahead.front().id == pool.job->id());
  BOOST_TEST(tasks_ahead(pool.link(0)) == 3U);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_forgotten_is_dropped_by_the_workers_that_have_it) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch);
  pool.tasks.place();
  BOOST_REQUIRE(pool.jobs.forget(pool.job->id()));
  pool.tasks.place();
  BOOST_TEST((pool.link(0).ahead.back().what == record_title::kind::forget));
  BOOST_TEST(pool.link(1).ahead.empty());
}

BOOST_AUTO_TEST_CASE(tasks_sent_ahead_go_to_a_worker_that_has_nothing_to_do) {
  parts_of_a_pool pool(2);
  const auto batch = std::make_shared<fake_batch>();
  pool.link(1).full = true;
  for (int i = 0; i < 4; ++i) pool.add(batch);
  pool.tasks.place();
  pool.link(0).begin_task();
  pool.link(1).full = false;
  BOOST_TEST(pool.tasks.even_out());
  BOOST_TEST(tasks_ahead(pool.link(0)) + tasks_ahead(pool.link(1)) == 3U);
  BOOST_TEST(tasks_ahead(pool.link(1)) >= 1U);
  BOOST_TEST(pool.tasks.out() == 4U);
}

BOOST_AUTO_TEST_CASE(a_worker_that_cannot_be_recalled_for_a_second_is_killed) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>();
  pool.add(batch);
  pool.add(batch);
  pool.tasks.place();
  pool.link(0).is_just_taking = true;
  pool_worker& worker = *pool.tasks.workers().front();
  BOOST_TEST(!pool.tasks.take_back(worker));
  pool.clock.pass(detail::dispatcher::most_time_to_take - 1ms);
  BOOST_TEST(!pool.tasks.recall_again(worker));
  BOOST_TEST(!pool.link(0).killed);
  pool.clock.pass(1ms);
  BOOST_TEST(!pool.tasks.recall_again(worker));
  BOOST_TEST(pool.link(0).killed);
  BOOST_TEST(worker.stuck);
}

BOOST_AUTO_TEST_CASE(cancelled_tasks_fail_unless_a_worker_has_begun_them) {
  parts_of_a_pool pool(1);
  const auto batch = std::make_shared<fake_batch>(), other = std::make_shared<fake_batch>();
  const auto begun = pool.add(batch), ahead = pool.add(batch), others = pool.add(other);
  pool.tasks.place();
  pool.link(0).begin_task();
  BOOST_TEST(!pool.tasks.take_back(*batch));
  BOOST_TEST(pool.tasks.give_up(*batch, pool.phase.was_cancelled) == 1U);
  BOOST_TEST(failed_with<task_cancelled>(*ahead));
  BOOST_TEST(batch->unfinished == 1U);
  BOOST_TEST(other->unfinished == 1U);
  pool.tasks.place();
  pool.link(0).answer();
  pool.tasks.collect();
  BOOST_TEST(batch->unfinished == 0U);
  BOOST_TEST(!begun->failure);
  BOOST_TEST(!others->failure);
}

BOOST_AUTO_TEST_CASE(a_worker_ends_after_as_many_tasks_as_it_may_run) {
  pool_options options;
  options.max_tasks_per_worker = 2;
  parts_of_a_pool pool(1, options);
  const auto batch = std::make_shared<fake_batch>();
  for (int i = 0; i < 3; ++i) pool.add(batch);
  pool.tasks.place();
  BOOST_TEST(pool.link(0).finished);
  BOOST_TEST(tasks_ahead(pool.link(0)) == 2U);
  BOOST_TEST(pool.tasks.any_waiting());
}

BOOST_AUTO_TEST_SUITE_END()
