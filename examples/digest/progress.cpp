// A progress bar on the terminal.
#include "progress.hpp"

#include <iostream>
#include <string>
#include <unistd.h>

namespace digest {

void progress::show(std::size_t done) {
  using namespace std::chrono_literals;
  const auto now = clock::now();
  if (!wanted_ || now < next_) return;
  next_ = now + 50ms;
  visible_ = true;

  constexpr std::size_t width = 40;
  const std::size_t filled = width * done / total_;
  std::cout.flush();  // what was printed comes before the bar
  std::cerr << "\r\033[K[" << std::string(filled, '#') << std::string(width - filled, ' ') << "] " << done
            << " of " << total_ << " files" << std::flush;
}

void progress::hide() {
  if (visible_) std::cerr << "\r\033[K" << std::flush;
  visible_ = false;
}

bool progress::possible() {
  return ::isatty(STDERR_FILENO) == 1;
}

}  // namespace digest
