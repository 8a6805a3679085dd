// SPDX-License-Identifier: BSL-1.0
// The pool's end of a worker that belongs to no pool.
#pragma once

#include "pool/local_worker.hpp"

#include <cstdint>
#include <optional>

namespace ferry::test {

/// For tests of what goes between the two ends: no process or thread is behind it.
class end_of_pool final : public detail::local_worker {
  void terminate() noexcept override {}
  void kill() noexcept override {}
  native_handle_type native_handle() const override { return invalid_native_handle; }
  std::optional<worker_end> ended() override { return std::nullopt; }
  std::int64_t pid() const noexcept override { return 0; }
};

}  // namespace ferry::test
