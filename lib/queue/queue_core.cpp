// A queue of bare messages: a ring, and what goes with it.
#include <ferry/detail/queue_core.hpp>
#include <ferry/dispatch_table.hpp>

#include "archive/table_of.hpp"
#include "queue/ring.hpp"

namespace ferry::detail {

struct queue_core::state {
  state(std::uint64_t max_items, std::uint64_t max_bytes, const archive_options& with)
      : items(max_items, max_bytes), options(with) {}
  state(unique_handle memory, const archive_options& with) : items(std::move(memory)), options(with) {}

  ring items;
  archive_options options;
};

queue_core::queue_core(const queue_options& options)
    : state_(std::make_shared<state>(
          options.max_items, options.max_bytes,
          archive_options{.mode = options.mode, .table = options.table, .limit = options.limit})) {}

queue_core::queue_core(unique_handle memory, transfer mode, const limits& limit)
    : state_(std::make_shared<state>(std::move(memory), archive_options{.mode = mode, .limit = limit})) {}

const archive_options& queue_core::packing() const noexcept {
  return state_->options;
}

bool queue_core::takes_plain_bytes() const noexcept {
  return table_of(state_->options).override_mask() == 0;
}

bool queue_core::put(std::span<const std::byte> bytes, std::uint32_t format,
                     std::vector<unique_handle>& handles, deadline until) {
  if (!handles.empty()) throw transfer_error("no handles yet");
  return state_->items.put(bytes, {.format = format}, until);
}

bool queue_core::get(taken_item& into, deadline until) {
  return state_->items.get_by(until, [&](ring::consumer& from) {
    buffer& block = into.memory.block;
    block.truncate(0);
    block.append(from.bytes().data(), from.bytes().size());
    into.format = from.record().format;
    from.take();
    return true;
  }) == ring::outcome::done;
}

std::size_t queue_core::size() const noexcept {
  return state_->items.size();
}
bool queue_core::full() const noexcept {
  return !state_->items.has_room(0);
}
bool queue_core::closed() const noexcept {
  return state_->items.closed();
}
bool queue_core::ended() const noexcept {
  return state_->items.ended();
}
void queue_core::close(bool discard) {
  state_->items.close(discard);
}

std::tuple<handle_view, transfer, limits> queue_core::parts() const {
  return {state_->items.handle(), state_->options.mode, state_->options.limit};
}

}  // namespace ferry::detail
