// SPDX-License-Identifier: BSL-1.0
// What the calls of a pool ask of its scheduler.
#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/error.hpp>

#include "pool/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace ferry::detail {
namespace {

/// Items of a type of up to that many bytes go as these alone, where nothing in them has to be taken apart.
constexpr std::size_t most_plain_bytes = std::size_t{1} << 20U;

}  // namespace

const archive_options& pool_core::packing() const {
  return of().packing();
}
std::size_t pool_core::workers() const {
  return of().workers();
}
void pool_core::check_open() const {
  of().check();
}
record_title pool_core::title_of_items(std::size_t plain_size, std::size_t result_size) const {
  // Not where somebody has registered another way for any type: it might be one of these. What passes the
  // limit is refused item by item.
  const bool plain = plain_size <= most_plain_bytes &&
                     std::max(plain_size, result_size) <= packing().limit.bytes && writes_plain(packing());
  record_title title;
  title.item_size = plain ? static_cast<std::uint32_t>(plain_size) : 0;
  return title;
}
std::shared_ptr<const fixture> pool_core::known_fixture(const callable& target) {
  return of().known_fixture(target);
}
std::shared_ptr<const fixture> pool_core::new_fixture(const call& what) {
  return of().new_fixture(what);
}
void pool_core::submit(std::shared_ptr<pool_task> task, bool comes_back) {
  of().submit(std::move(task), comes_back);
}
bool pool_core::wait_for_handles() {
  return of().wait_for_handles();
}
void pool_core::seal(pool_batch& batch) {
  of().seal(batch);
}
bool pool_core::wait_any(pool_batch& batch, deadline until) {
  return of().wait([&] { return !batch.finished.empty() || batch.done(); }, until, &batch);
}
bool pool_core::wait_done(pool_batch& batch, deadline until) {
  return of().wait([&] { return batch.done(); }, until);
}
std::pair<task_list, std::size_t> pool_core::take_finished(pool_batch& batch) {
  return of().locked([&] { return std::pair(std::exchange(batch.finished, {}), batch.unfinished); });
}
std::size_t pool_core::cancel(pool_batch& batch) {
  return of().cancel(batch);
}
void pool_core::cancel_by(const std::stop_token& token, const std::shared_ptr<pool_batch>& batch) {
  if (!token.stop_possible()) return;
  // Not a strong reference, or who drops the last one might wait for this, and this for a lock that he has.
  batch->stopping.emplace(token, [core = *this, weak = std::weak_ptr(batch)]() mutable {
    if (const auto stopped = weak.lock()) core.cancel(*stopped);
  });
}
void pool_core::when_done(pool_batch& batch, std::function<void()> what) {
  of().when_done(batch, std::move(what));
}
handle_view pool_core::handle_of(pool_batch& batch) {
  return of().handle_of(batch);
}
void pool_core::check_timeout(deadline::clock::duration timeout) const {
  if (timeout > timeout.zero() && !of().can_kill())
    throw usage_error(
        "task_options::timeout needs workers that can be killed in the middle of a task, as processes "
        "can and threads cannot: leave it out, or let the pool have the engine that it has by itself");
}
void pool_core::end() noexcept {
  // In a copy there is nothing to be ended; what the keeper, a thread of the other process, holds on to is
  // never dropped there.
  if (!of().is_copy()) of().end();
}
std::size_t pool_core::automatic_chunk(const pool_batch& batch, std::optional<std::size_t> left) const {
  // A task should take long against what it costs to be woken for its answer, and short against what a person
  // notices when it ends last; towards the end shorter, so that all workers end together, but still worth its
  // cost.
  constexpr std::uint64_t wanted_nanoseconds = 2'000'000, least_nanoseconds = 25'000, most_items = 4096;
  const auto [items, nanoseconds] =
      of().locked([&] { return std::pair(batch.items_answered, batch.nanoseconds); });
  if (items == 0) return 1;
  const std::uint64_t each = std::max<std::uint64_t>(nanoseconds / items, 1);
  const auto items_in = [&](std::uint64_t time) {
    return static_cast<std::size_t>(std::clamp<std::uint64_t>(time / each, 1, most_items));
  };
  const std::size_t chunk = items_in(wanted_nanoseconds);
  return left ? std::min(chunk, std::max(*left / (2 * workers()), items_in(least_nanoseconds))) : chunk;
}

}  // namespace ferry::detail
