// SPDX-License-Identifier: BSL-1.0
// Deadlines at the ends of time, and durations that are no number.
#include <ferry/connection.hpp>
#include <ferry/deadline.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <limits>

using namespace std::chrono;
using ferry::deadline;

namespace {

template <class Rep>
using in_seconds = duration<Rep>;

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

bool is_about(deadline until, nanoseconds expected) {
  return !until.is_never() && until.remaining() <= expected + 1ms && until.remaining() > expected - 30s;
}

template <class Clock>
void check_clock() {
  using hours_of_clock = time_point<Clock, hours>;
  using exact = time_point<Clock, nanoseconds>;
  using floating = time_point<Clock, in_seconds<double>>;
  BOOST_CHECK(deadline::at(exact::min()).expired());
  BOOST_CHECK(deadline::at(exact::min() + 1ns).expired());
  BOOST_CHECK(deadline::at(exact::min() + 1h).expired());
  BOOST_CHECK(deadline::at(hours_of_clock::min()).expired());
  BOOST_CHECK(deadline::at(floating(in_seconds<double>(-infinity))).expired());
  BOOST_CHECK(deadline::at(floating(in_seconds<double>(no_number))).expired());
  BOOST_CHECK(deadline::at(floating(in_seconds<double>(-1e300))).expired());
  BOOST_CHECK(deadline::at(Clock::now() - 1ns).expired());
  BOOST_CHECK(is_about(deadline::at(Clock::now() + 1h), 1h));
  BOOST_CHECK(is_about(deadline::at(floating(Clock::now()) + 1h), 1h));
  BOOST_CHECK(deadline::at(exact::max()).is_never());
  BOOST_CHECK(deadline::at(exact::max() - 1ns).is_never());
  BOOST_CHECK(deadline::at(hours_of_clock::max()).is_never());
  BOOST_CHECK(deadline::at(floating(in_seconds<double>(infinity))).is_never());
  BOOST_CHECK(deadline::at(floating(in_seconds<double>(1e300))).is_never());
}

template <class Rep>
void check_floating() {
  BOOST_CHECK(deadline::after(in_seconds<Rep>(static_cast<Rep>(no_number))).expired());
  BOOST_CHECK(deadline::after(in_seconds<Rep>(static_cast<Rep>(-infinity))).expired());
  BOOST_CHECK(deadline::after(in_seconds<Rep>(std::numeric_limits<Rep>::lowest())).expired());
  BOOST_CHECK(deadline::after(in_seconds<Rep>(static_cast<Rep>(infinity))).is_never());
  BOOST_CHECK(deadline::after(in_seconds<Rep>(std::numeric_limits<Rep>::max())).is_never());
  BOOST_CHECK(is_about(deadline::after(in_seconds<Rep>(Rep{3600})), 1h));
  BOOST_CHECK(deadline::after(in_seconds<Rep>(std::numeric_limits<Rep>::denorm_min())).remaining() <= 1ns);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(deadlines)

BOOST_AUTO_TEST_CASE(points_of_any_clock_are_before_or_after_now) {
  check_clock<steady_clock>();
  check_clock<system_clock>();
  check_clock<file_clock>();  // whose count begins in the future
}

BOOST_AUTO_TEST_CASE(durations_that_are_no_number_are_over) {
  check_floating<float>();
  check_floating<double>();
  check_floating<long double>();
}

BOOST_AUTO_TEST_CASE(durations_at_the_ends_of_their_range_are_over_or_endless) {
  for (const nanoseconds over : {nanoseconds::min(), nanoseconds(-1), nanoseconds(0)})
    BOOST_CHECK(deadline::after(over).expired());
  BOOST_CHECK(deadline::after(hours::min()).expired());
  BOOST_CHECK(deadline::after(nanoseconds::max()).is_never());
  BOOST_CHECK(deadline::after(hours::max()).is_never());
  BOOST_CHECK(deadline::after(duration<unsigned long long, std::ratio<86400>>::max()).is_never());
  BOOST_CHECK(is_about(deadline::after(duration<unsigned char, std::ratio<60>>(60)), 1h));
}

BOOST_AUTO_TEST_CASE(a_point_that_is_given_as_it_is_may_be_any) {
  BOOST_CHECK(deadline(steady_clock::time_point::min() + 1ns).expired());
  BOOST_CHECK(deadline(steady_clock::time_point::min() + 1ns).remaining() == 0ns);
  BOOST_CHECK(deadline(steady_clock::time_point::max() - 1ns).remaining() > hours(24));
}

BOOST_AUTO_TEST_CASE(a_call_with_a_deadline_of_long_ago_returns) {
  auto [here, there] = ferry::pipe();
  BOOST_CHECK(!here.recv_until<int>(deadline::at(steady_clock::time_point::min() + 1ns)));
  BOOST_CHECK(!here.recv_until<int>(deadline(steady_clock::time_point::min() + 1ns)));
  BOOST_CHECK(!here.recv_for<int>(in_seconds<double>(no_number)));
  BOOST_CHECK(!here.poll(in_seconds<float>(static_cast<float>(no_number))));
}

BOOST_AUTO_TEST_SUITE_END()
