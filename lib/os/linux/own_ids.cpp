// The C library knows the ids too, and does not tell them without a system call.
#include "os/own_ids.hpp"

#include <pthread.h>
#include <unistd.h>

namespace ferry::os {

constinit thread_local thread_ids known_ids;

void find_out_own_ids() noexcept {
  static const int forgotten_in_copies = ::pthread_atfork(nullptr, nullptr, [] { known_ids = {}; });
  static_cast<void>(forgotten_in_copies);
  known_ids = {static_cast<std::uint32_t>(::gettid()), static_cast<std::uint32_t>(::getpid())};
}

}  // namespace ferry::os
