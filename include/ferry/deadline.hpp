// A point in monotonic time at which a blocking call gives up.
#pragma once

#include <algorithm>
#include <chrono>
#include <type_traits>

namespace ferry {

/// When a blocking call gives up: never, at once, or at a point of the monotonic clock. Every `_for` form is
/// its `_until` form with `deadline::after(duration)`, and waiting is resumed after EINTR with what remains.
class deadline {
 public:
  using clock = std::chrono::steady_clock;

  /// Wait for as long as it takes.
  static constexpr deadline never() noexcept { return deadline(clock::time_point::max()); }
  /// Do not wait at all.
  static constexpr deadline immediately() noexcept { return deadline(clock::time_point::min()); }
  /// `duration` from now; a negative one means at once, one too large to add means never.
  template <class Rep, class Period>
  static deadline after(std::chrono::duration<Rep, Period> duration) {
    if (duration <= duration.zero()) return immediately();
    const auto now = clock::now();
    // Compared as floating point: the sum itself could overflow.
    using seconds = std::chrono::duration<double>;
    if (seconds(duration) >= seconds(clock::time_point::max() - now)) return never();
    return deadline(now + std::chrono::ceil<clock::duration>(duration));
  }
  /// At a point of any clock. One of another clock than this is translated once, now: if that clock is set
  /// afterwards, the deadline does not move with it.
  template <class Clock, class Duration>
  static deadline at(std::chrono::time_point<Clock, Duration> when) {
    if constexpr (std::is_same_v<Clock, clock>) {
      if (when >= clock::time_point::max()) return never();
      return deadline(std::chrono::time_point_cast<clock::duration>(when));
    } else {
      const auto now = Clock::now();
      return when <= now ? immediately() : after(when - now);
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
    return std::max(clock::duration::zero(), when_ - clock::now());
  }

 private:
  clock::time_point when_;
};

}  // namespace ferry
