// SPDX-License-Identifier: BSL-1.0
// Receipts: CPython's answers to handles that it has got.
#pragma once

#include <atomic>
#include <cstddef>

namespace ferry::channel {

/// CPython answers a handle with one byte, from 3.14 on; before that it does not. Who sends one cannot wait
/// for what may not come, so the byte is looked for when something is received next. No frame begins with it,
/// but of those that are longer than 1 GiB. Thread-safe.
class receipts {
 public:
  static constexpr std::byte byte{'A'};

  /// To be called before a handle is sent.
  void await_one() noexcept { awaited_.fetch_add(1, std::memory_order_relaxed); }

  /// @param next  the first byte of what comes next
  /// @returns whether it is a receipt, and not a part of that
  bool take(std::byte next) noexcept {
    if (awaited_.load(std::memory_order_relaxed) == 0) return false;
    if (next != byte) {
      awaited_.store(0, std::memory_order_relaxed);
      return false;
    }
    awaited_.fetch_sub(1, std::memory_order_relaxed);
    peer_gives_them_.store(true, std::memory_order_relaxed);
    return true;
  }

  /// Whether one has come. Who gives receipts waits for them too.
  bool peer_gives_them() const noexcept { return peer_gives_them_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int> awaited_ = 0;
  std::atomic<bool> peer_gives_them_ = false;
};

}  // namespace ferry::channel
