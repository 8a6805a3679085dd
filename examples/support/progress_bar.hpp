// SPDX-License-Identifier: BSL-1.0
// A progress bar on the terminal, for what a pool does.
#pragma once

#include <ferry/pool_options.hpp>

#include <chrono>
#include <cstddef>
#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>

namespace support {

/// Shows on the error stream, where that is a terminal, how far the work is.
///
///   support::progress_bar bar("rows");
///   pool.map(job, items, {.progress = std::ref(bar)});
class progress_bar {
 public:
  /// @param items  what they are called
  explicit progress_bar(std::string items, bool wanted = true)
      : items_(std::move(items)), wanted_(wanted && ::isatty(STDERR_FILENO) == 1) {}
  ~progress_bar() { hide(); }
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  /// Shows the bar, at most every 50 milliseconds.
  void operator()(const ferry::map_progress& now) {
    using namespace std::chrono_literals;
    if (!wanted_ || now.total.value_or(0) == 0 || clock::now() < next_) return;
    next_ = clock::now() + 50ms;
    now_ = now;
    show();
  }

  /// Calls `print`, which writes whole lines to the terminal; the bar is below them afterwards.
  template <class Print>
  void above(Print print) {
    const bool again = visible_;
    hide();
    print();
    if (again) show();
  }

  void hide() {
    if (visible_) std::cerr << "\r\033[K" << std::flush;
    visible_ = false;
  }

 private:
  using clock = std::chrono::steady_clock;

  void show() {
    constexpr std::size_t width = 40;
    const std::size_t filled = width * now_.done / *now_.total;
    std::cout.flush();  // what was printed comes before the bar
    std::cerr << "\r\033[K[" << std::string(filled, '#') << std::string(width - filled, ' ') << "] "
              << now_.done << " of " << *now_.total << ' ' << items_ << ", "
              << static_cast<std::size_t>(now_.rate) << " a second" << std::flush;
    visible_ = true;
  }

  std::string items_;
  bool wanted_, visible_ = false;
  clock::time_point next_{};
  ferry::map_progress now_;
};

}  // namespace support
