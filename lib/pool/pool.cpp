// SPDX-License-Identifier: BSL-1.0
// The class pool, as far as it does not depend on what it runs.
#include <ferry/error.hpp>
#include <ferry/pool.hpp>

#include "pool/scheduler.hpp"

#include <string>
#include <utility>

namespace ferry {
namespace {

std::shared_ptr<detail::scheduler> start(std::size_t workers, const pool_options& options,
                                         std::unique_ptr<const detail::call> initializer) {
  if (workers == 0) throw usage_error("a pool of no workers would never do anything: it needs one at least");
  return detail::scheduler::start(workers, options, std::move(initializer));
}

}  // namespace

pool::pool(std::size_t workers, const pool_options& options, std::unique_ptr<const detail::call> initializer)
    : pool_calls(detail::pool_core(start(workers, options, std::move(initializer)))) {}

pool::~pool() {
  core_.end();
}

void pool::close() {
  core_.of().close();
}
void pool::terminate() {
  core_.of().terminate();
}
bool pool::join_until(deadline until) {
  return core_.of().join(until);
}
std::vector<std::int64_t> pool::pids() const {
  return core_.of().pids();
}

}  // namespace ferry
