// SPDX-License-Identifier: BSL-1.0
// The two ends of a worker of this machine, without a pool: what either makes of what the other has put.
#include "pool/local_worker.hpp"

#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "pool/support.hpp"
#include "support/end_of_pool.hpp"
#include "support/stuck_socket.hpp"

#include <atomic>
#include <cstdint>
#include <utility>

using namespace ferry;

namespace {

using detail::pool_record;
using detail::record_title;

struct both_ends {
  doorbell bell;
  test::end_of_pool pool;
  detail::local_worker_endpoint worker{pool.handles_for_worker(bell)};

  both_ends() { pool.worker_has_handles(); }
};

message with_handle(unique_handle handle) {
  pool_record record(record_title{.what = record_title::kind::answer, .count = 1});
  record.handles().push_back(std::move(handle));
  return record;
}

/// An endpoint that gives what an author of one may give by mistake.
class careless_endpoint final : public worker_endpoint {
 public:
  bool next(message& into) override {
    BOOST_TEST(into.bytes().empty());
    if (std::exchange(given_, true)) return false;
    into.storage().append(std::uint32_t{7});
    return true;
  }
  progress_words notes() noexcept override { return {words_[0], words_[1], words_[2], words_[3]}; }
  void answer(const message_view&) override { BOOST_ERROR("there was nothing to answer"); }

 private:
  bool given_ = false;
  std::atomic<std::uint64_t> words_[4] = {};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(local_workers)

// Closing them may take as long as the worker likes: that is for a thread that keeps no task waiting.
BOOST_AUTO_TEST_CASE(an_answer_beyond_its_bounds_stays_with_its_handles_until_its_worker_is_dropped) {
  const test::stuck_socket stuck;
  both_ends ends;
  ends.worker.answer(with_handle(duplicate(stuck.full)));
  message into;
  for (int again = 0; again < 2; ++again) {
    BOOST_CHECK_THROW(ends.pool.receive(into, {.bytes = 0, .handles = 0}), archive_error);
    BOOST_TEST(ends.pool.holds_handles());
    BOOST_TEST(into.bytes().empty());
    BOOST_TEST(into.handles().empty());
  }
  BOOST_TEST(ends.pool.receive(into, {}));
  BOOST_TEST(into.handles().size() == 1U);
  for (const unique_handle& each : into.handles()) os::forbid_lingering(each);
}

BOOST_AUTO_TEST_CASE(a_record_that_is_too_short_for_one_ends_the_worker) {
  careless_endpoint careless;
  BOOST_CHECK_THROW(serve_pool(careless, {}), archive_error);
}

BOOST_AUTO_TEST_SUITE_END()
