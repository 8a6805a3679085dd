// SPDX-License-Identifier: BSL-1.0
// A worker of a pool is killed at any instruction of its loop, and many workers of one at random.
#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/pool.hpp>

#include "pool/local_worker.hpp"
#include "pool/support.hpp"
#include "pool/written_call.hpp"
#include "support/end_of_pool.hpp"
#include "support/killing.hpp"
#include "support/leaks.hpp"

#include <boost/range/adaptor/transformed.hpp>
#include <boost/range/irange.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <sys/types.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

using detail::pool_record;
using detail::record_title;

/// Items that cross as messages, with handles or without.
struct parcels {
  std::size_t size, handles;  ///< of each

  static parcel echo(parcel given) { return given; }
  using job = detail::job_traits<fn_t<&echo>, detail::no_state, const parcel&>;
  static constexpr auto function = fn<&echo>;
  static constexpr std::size_t plain_size = 0;

  void append(pool_record& to, std::uint32_t number) const {
    detail::item_writer<job>(archive_options(), to.title()).append(to, parcel(number, size, handles));
  }
  void check(detail::item_reader& answers, std::uint32_t number) const {
    const auto got = detail::read_result<parcel>(answers, {});
    check_parcel(got, number);
    BOOST_TEST(got.handles.size() == handles);
  }
};

/// Items that cross as the bytes that they are.
struct numbers {
  static std::uint32_t twice(std::uint32_t number) { return 2 * number; }
  using job = detail::job_traits<fn_t<&twice>, detail::no_state, std::uint32_t>;
  static constexpr auto function = fn<&twice>;
  static constexpr std::size_t plain_size = job::plain_size;
  static_assert(plain_size != 0);

  void append(pool_record& to, std::uint32_t number) const {
    detail::item_writer<job>(archive_options(), to.title()).append(to, number);
  }
  void check(detail::item_reader& answers, std::uint32_t number) const {
    BOOST_TEST(detail::read_result<std::uint32_t>(answers, {}) == 2 * number);
  }
};

/// What a scheduler does for one worker, which is a child that can be killed.
template <class Items>
class scene {
 public:
  /// Tasks of `items` items each are sent, and then the end of them.
  scene(const Items& what, std::uint32_t tasks, std::uint32_t items)
      : what_(what), tasks_(tasks), items_(items), seat_(here_.handles_for_worker(bell_)) {
    pool_record job(record_title{.what = record_title::kind::make, .count = 1, .id = job_id});
    job.append({}, false, [](forking_oarchive& archive) {
      using function = std::remove_cvref_t<decltype(Items::function)>;
      detail::write_call(archive, detail::function_call<function>(Items::job::entry::entry, Items::function));
    });
    send(job);
    for (std::uint32_t task = 0; task < tasks; ++task) {
      record_title title{.what = record_title::kind::run, .count = items, .id = first_task + task};
      title.job = job_id;
      title.item_size = Items::plain_size;
      pool_record record(title);
      for (std::uint32_t item = 0; item < items; ++item) what.append(record, task * items + item);
      send(record);
    }
    here_.finish();
  }

  /// In the child.
  void work() {
    detail::local_worker_endpoint port(std::move(seat_));
    serve_pool(port, {});
  }

  /// What it had answered is whole, what it had not begun can be taken back, and between the two there is at
  /// most the task that it had in hand, of which it says so.
  void check() {
    here_.worker_has_handles();
    seat_ = {};
    std::uint32_t answered = 0;
    for (message answer; here_.receive(answer, {}); ++answered) check_answer(answer, answered);
    here_.worker_has_ended();
    std::size_t left = here_.recall(tasks_ + 1).value();
    if (answered != 0 || left < tasks_ + 1) {  // it has begun
      BOOST_TEST(left <= tasks_);
    } else {
      --left;  // the job
    }
    const std::size_t in_hand = tasks_ - answered - left;
    BOOST_TEST(in_hand <= 1U);
    const worker_progress at = here_.progress();
    BOOST_TEST(at.run <= first_task + answered);  // of what it had not begun, it did not say that it had
    BOOST_TEST(at.item < items_);
    if (answered != 0) BOOST_TEST(at.ready);
    message nothing;
    BOOST_TEST(!here_.receive(nothing, {}));
    BOOST_TEST(here_.recall(0).value() == 0U);
  }

 private:
  static constexpr std::uint64_t job_id = 1, first_task = 10;

  void send(const pool_record& record) { BOOST_REQUIRE(here_.send(record)); }
  void check_answer(message& answer, std::uint32_t number) const {
    const record_title title = detail::title_of(answer);
    BOOST_TEST((title.what == record_title::kind::answer));
    BOOST_TEST(title.id == first_task + number);
    BOOST_TEST(title.count == items_);
    detail::item_reader items(answer);
    for (std::uint32_t item = 0; item < items_; ++item) what_.check(items, number * items_ + item);
  }

  Items what_;
  std::uint32_t tasks_, items_;
  doorbell bell_;
  test::end_of_pool here_;
  detail::worker_handles seat_;
};

template <class Items>
void kill_worker(const Items& what, std::uint32_t tasks, std::uint32_t items) {
  const holdings before = holdings::now();
  report(kill_everywhere(
      [&] {
        const auto all = std::make_shared<scene<Items>>(what, tasks, items);
        return deed{[all] { all->work(); }, [all] { all->check(); }};
      },
      3s));
  BOOST_TEST(holdings::now().difference(before).empty());
}

/// An item as it comes back, and who sent it.
struct reply {
  parcel what;
  std::int64_t worker = 0;
};
reply answer(parcel given) {
  return {std::move(given), ::getpid()};
}

/// Items of all sizes; the same number is always the same item.
parcel random_parcel(std::uint32_t number) {
  std::minstd_rand random(number + 1);
  const unsigned which = random() % 64;
  return {number,
          random() % (which == 0  ? 200'000U
                      : which < 8 ? 5'000U
                                  : 200U),
          which % 16 == 1 ? random() % 4 : 0};
}

struct soak_figures {
  std::size_t kills = 0, right = 0, died = 0;
};

/// Calls of all sizes, one after the other, while workers are killed that are at work.
soak_figures kill_many(start_method method, std::size_t kills) {
  const pool pool(3, by(method));

  soak_figures figures;
  std::atomic<std::int64_t> at_work{0};
  std::atomic<bool> enough{false};
  std::jthread killer([&] {
    std::minstd_rand random(7);
    while (figures.kills < kills) {
      // Not to wait for anything, but for death to come at any moment.
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 8'000));
      const std::int64_t victim = at_work.exchange(0);
      const auto pids = pool.pids();
      if (std::ranges::count(pids, victim) == 0) continue;
      if (::kill(static_cast<pid_t>(victim), SIGKILL) == 0) ++figures.kills;
    }
    enough = true;
  });

  std::minstd_rand random(11);
  std::uint32_t next = 0;
  while (!enough) {
    const std::uint32_t first = next;
    next += 1 + static_cast<std::uint32_t>(random() % 300);
    const auto input = boost::irange(first, next) | boost::adaptors::transformed(&random_parcel);
    auto results = pool.imap(ferry::fn<&answer>, input, {.chunk_size = 1 + random() % 5});
    std::uint32_t number = first;
    for (auto at = results.begin(); at != results.end(); ++at, ++number) {
      try {
        const reply& got = *at;
        at_work = got.worker;
        BOOST_REQUIRE(got.what.is_whole());
        BOOST_REQUIRE_EQUAL(got.what.number, number);
        BOOST_REQUIRE_EQUAL(got.what.handles.size(), random_parcel(number).handles.size());
        ++figures.right;
      } catch (const worker_died& death) {
        BOOST_REQUIRE(death.why() == worker_died::cause::killed);
        BOOST_REQUIRE_EQUAL(death.code(), SIGKILL);
        ++figures.died;
      }
    }
    BOOST_REQUIRE_EQUAL(number, next);
  }
  return figures;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(workers_of_pools_killed_at_any_instruction)

// known failure 1: a pool hangs when a worker is killed
BOOST_AUTO_TEST_CASE(a_worker_takes_along_the_task_that_it_has_in_hand_and_no_other) {
  kill_worker(parcels{.size = 64, .handles = 0}, 3, 1);
}
BOOST_AUTO_TEST_CASE(a_worker_of_chunks_takes_along_the_one_that_it_has_in_hand) {
  kill_worker(parcels{.size = 64, .handles = 0}, 3, 4);
}
BOOST_AUTO_TEST_CASE(a_worker_of_plain_items_takes_along_the_chunk_that_it_has_in_hand) {
  kill_worker(numbers(), 3, 4);
}
BOOST_AUTO_TEST_CASE(a_worker_of_large_tasks_takes_along_the_one_that_it_has_in_hand) {
  kill_worker(parcels{.size = std::size_t{100} << 10U, .handles = 0}, 2, 1);
}
BOOST_AUTO_TEST_CASE(a_worker_of_tasks_with_handles_takes_along_the_one_that_it_has_in_hand) {
  kill_worker(parcels{.size = 64, .handles = 2}, 3, 2);
}

// known failure 9: one dead worker breaks the pool
BOOST_AUTO_TEST_CASE(a_pool_outlives_any_number_of_its_workers) {
  const std::size_t kills = kills_to_make(450);
  for (const start_method method : methods_beside_threads()) {
    const soak_figures figures = kill_many(method, kills / 3);
    BOOST_TEST_MESSAGE(to_string(method) << ": " << figures.kills << " kills; " << figures.right
                                         << " items right, " << figures.died << " died");
    BOOST_TEST(figures.kills == kills / 3);
    BOOST_TEST(figures.right > 0U);
    // Each kill costs at most what is in one chunk.
    BOOST_TEST(figures.died <= 5 * figures.kills);
  }
  stop_forkserver();
}

BOOST_AUTO_TEST_SUITE_END()
