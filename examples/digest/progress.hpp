// A progress bar on the terminal.
#pragma once

#include <chrono>
#include <cstddef>

namespace digest {

/// Shows on the error stream how far the work is. Hide it before writing anything else to the terminal.
class progress {
 public:
  progress(std::size_t total, bool wanted) : total_(total), wanted_(wanted && total > 0) {}
  ~progress() { hide(); }
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Shows the bar, at most every 50 milliseconds.
  void show(std::size_t done);
  void hide();

  /// Whether the error stream is a terminal.
  static bool possible();

 private:
  using clock = std::chrono::steady_clock;

  std::size_t total_;
  bool wanted_, visible_ = false;
  clock::time_point next_{};
};

}  // namespace digest
