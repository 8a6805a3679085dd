// SPDX-License-Identifier: BSL-1.0
// A point in monotonic time at which a blocking call gives up.
#pragma once

#include <chrono>
#include <type_traits>

namespace ferry {

/// When a blocking call gives up: never, at once, or at a point of the monotonic clock. Every `_for` form is
/// its `_until` form with `deadline::after(duration)`, and waiting is resumed after a signal with what
/// remains.
class deadline {
 public:
  using clock = std::chrono::steady_clock;

  /// Wait for as long as it takes.
  static constexpr deadline never() noexcept { return deadline(clock::time_point::max()); }
  /// Do not wait at all.
  static constexpr deadline immediately() noexcept { return deadline(clock::time_point::min()); }
  /// `duration` from now; a negative one, or one that is no number, means at once, one too large to add means
  /// never.
  template <class Rep, class Period>
  static deadline after(std::chrono::duration<Rep, Period> duration) {
    if (!(duration > duration.zero())) return immediately();
    if (seconds(duration) >= far) return never();
    return deadline(clock::now() + rounded_up(duration));
  }
  /// At a point of any clock; one that is no number means at once. One of another clock than this is
  /// translated once, now: if that clock is set afterwards, the deadline does not move with it.
  template <class Clock, class Duration>
  static deadline at(std::chrono::time_point<Clock, Duration> when) {
    const auto now = Clock::now().time_since_epoch();
    // As floating point first: what is very far away cannot be compared, nor counted to, in whole units.
    const seconds left = seconds(when.time_since_epoch()) - seconds(now);
    if (!(left > -far)) return immediately();
    if (left >= far) return never();
    if constexpr (std::is_same_v<Clock, clock>) {
      return deadline(clock::time_point(rounded_up(when.time_since_epoch())));
    } else {
      return after(rounded_up(when.time_since_epoch()) - rounded_up(now));
    }
  }
  constexpr explicit deadline(clock::time_point when) noexcept : when_(when) {}

  constexpr bool is_never() const noexcept { return when_ == clock::time_point::max(); }
  constexpr bool is_immediate() const noexcept { return when_ == clock::time_point::min(); }
  bool expired() const { return !is_never() && (is_immediate() || clock::now() >= when_); }
  /// Time left, zero if expired, `clock::duration::max()` if never.
  clock::duration remaining() const {
    if (is_never()) return clock::duration::max();
    if (is_immediate()) return clock::duration::zero();
    const auto now = clock::now();
    // A point of long ago is too far away to be counted to.
    return when_ <= now ? clock::duration::zero() : when_ - now;
  }

 private:
  using seconds = std::chrono::duration<double>;
  /// 140 years, about half of what the clock can count: sums and differences of less are counted exactly.
  static constexpr seconds far{140 * 365.25 * 86400};

  template <class Rep, class Period>
  static clock::duration rounded_up(std::chrono::duration<Rep, Period> time) {
    if constexpr (std::chrono::treat_as_floating_point_v<Rep>) {
      return std::chrono::ceil<clock::duration>(seconds(time));
    } else {
      return std::chrono::ceil<clock::duration>(time);
    }
  }

  clock::time_point when_;
};

}  // namespace ferry
