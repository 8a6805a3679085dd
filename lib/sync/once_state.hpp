// SPDX-License-Identifier: BSL-1.0
// The state of a once_flag in shared memory.
#pragma once

#include <ferry/arena.hpp>

#include "os/robust_mutex.hpp"

#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// A mutex for the one who does it, which the kernel takes away from one who is killed, and a word that is
/// stored when it is done.
class once_state {
 public:
  bool is_done() const noexcept { return done_.load(std::memory_order_acquire) != 0; }
  void set_done() noexcept { done_.store(1, std::memory_order_release); }
  /// Whether a predecessor died makes no difference: it is done or it is not.
  void begin() { static_cast<void>(mutex_.lock(deadline::never(), spin_)); }
  void end() { mutex_.unlock(); }

 private:
  os::robust_mutex mutex_;
  os::adaptive_spin spin_;
  std::atomic<std::uint32_t> done_{0};
};

constexpr shared_kind once_kind = make_shared_kind("once");

}  // namespace ferry::detail
