// SPDX-License-Identifier: BSL-1.0
// Records, item by item.
#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/error.hpp>
#include <ferry/task.hpp>

#include "os/handle.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

namespace ferry::detail {
namespace {

std::uint32_t use_at(const std::byte* place) noexcept {
  handle_use use;
  std::memcpy(&use, place, sizeof use);
  return use.index;
}

}  // namespace

void throw_carrying_error(carrying_error::part what, std::size_t task, std::string type_name) {
  std::string why = "something that is no std::exception was thrown";
  try {
    throw;
  } catch (const std::bad_alloc&) {  // says enough by itself
    throw;
  } catch (const std::exception& problem) {
    why = problem.what();
  } catch (...) {
  }
  std::throw_with_nested(carrying_error(what, task, std::move(type_name), std::move(why)));
}

void throw_failure(const std::exception_ptr& thrown, std::uint32_t failure, std::size_t task,
                   std::string type_name) {
  if (failure != item_head::arguments_unread && failure != item_head::result_unwritten)
    std::rethrow_exception(thrown);
  try {
    std::rethrow_exception(thrown);
  } catch (...) {
    if (failure == item_head::arguments_unread)
      throw_carrying_error(carrying_error::part::arguments_read, task, {});
    throw_carrying_error(carrying_error::part::result_written, task, std::move(type_name));
  }
}

void item_reader::throw_short() {
  throw archive_error("a record of a pool has fewer items than it says");
}

void received_record::forbid_lingering() noexcept {
  for (const unique_handle& each : handles())
    if (each.valid()) os::forbid_lingering(each);
}

forking_iarchive item_reader::next(const archive_options& options, std::uint32_t& failed) {
  item_head head;
  if (item_size_ != 0) {
    failed = item_head::given;
    return {{next_bytes(item_size_), item_size_}, {}, 0, options};
  }
  if (rest_.size() < sizeof head) throw_short();
  std::memcpy(&head, rest_.data(), sizeof head);
  rest_ = rest_.subspan(sizeof head);
  const std::size_t uses_size = std::size_t{head.handles} * sizeof(handle_use);
  if (head.handles > record_.handles().size() || head.size > rest_.size() ||
      uses_size > rest_.size() - head.size)
    throw archive_error("an item in a record of a pool is longer than the record");
  const std::span<const std::byte> bytes = rest_.first(static_cast<std::size_t>(head.size));
  const std::span<const std::byte> uses = rest_.subspan(bytes.size(), uses_size);
  rest_ = rest_.subspan(bytes.size() + uses_size);
  failed = head.failed;
  return {bytes, take_handles(uses), head.format, options};
}

std::vector<unique_handle> item_reader::take_handles(std::span<const std::byte> uses) {
  std::vector<unique_handle>& all = record_.handles();
  os::received_handles taken;  // until all are there
  taken.list.reserve(uses.size() / sizeof(handle_use));
  for (std::size_t place = 0; place < uses.size(); place += sizeof(handle_use)) {
    const std::uint32_t use = use_at(uses.data() + place);
    const std::size_t index = use & ~handle_use::last;
    if (index >= all.size() || !all[index].valid())
      throw archive_error("an item in a record of a pool uses a handle that the record does not have");
    unique_handle& handle = all[index];
    taken.list.push_back((use & handle_use::last) != 0 ? std::move(handle) : duplicate(handle));
  }
  return taken.take();
}

void pool_record::append_handles(std::vector<unique_handle> of_item) {
  // With the last ones alone: in a record of many there may be none that are the same.
  constexpr std::size_t most_compared = 32;
  buffer& bytes = storage();
  std::vector<unique_handle>& all = handles();
  all.reserve(all.size() + of_item.size());
  last_uses_.reserve(all.capacity());
  const std::size_t uses = bytes.size();
  bytes.extend(of_item.size() * sizeof(handle_use));
  const std::size_t end = all.size(), begin = end - std::min(end, most_compared);
  std::size_t place = uses;
  for (unique_handle& each : of_item) {
    std::size_t index = begin;
    // An item has each at most once, so it has no more than the record: who reads it can count on that.
    while (index < end && (last_uses_[index] >= uses || !os::same_object(all[index], each))) ++index;
    if (index < end) {
      set_use(last_uses_[index], index);
      last_uses_[index] = place;
    } else {
      index = all.size();
      all.push_back(std::move(each));
      last_uses_.push_back(place);
    }
    set_use(place, index | handle_use::last);
    place += sizeof(handle_use);
  }
}

void pool_record::set_use(std::size_t place, std::size_t index) noexcept {
  const handle_use use{static_cast<std::uint32_t>(index)};
  std::memcpy(storage().data() + place, &use, sizeof use);
}

pool_record pool_record::split_off(std::uint32_t first) {
  std::vector<unique_handle>& all = handles();
  std::size_t place = sizeof(record_title);
  const std::size_t item_size = title().item_size;
  if (item_size != 0) place += first * item_size;
  const auto pass_item = [&place](const pool_record& record) {
    item_head head;
    std::memcpy(&head, record.bytes().data() + place, sizeof head);
    place += sizeof head + static_cast<std::size_t>(head.size);
    return head.handles;
  };
  for (std::uint32_t number = 0; item_size == 0 && number < first; ++number)
    place += pass_item(*this) * sizeof(handle_use);
  pool_record rest(title());
  rest.storage().append(storage().data() + place, storage().size() - place);
  // By the old number the new one.
  std::vector<std::size_t> renumbered(all.size(), all.size());
  rest.handles().reserve(all.size());
  rest.last_uses_.reserve(all.size());
  storage().truncate(place);
  if (all.empty()) return rest;

  place = sizeof(record_title);
  while (place < rest.bytes().size()) {
    for (std::uint32_t left = pass_item(rest); left != 0; --left, place += sizeof(handle_use)) {
      const std::uint32_t use = use_at(rest.bytes().data() + place);
      std::size_t& index = renumbered[use & ~handle_use::last];
      if (index == all.size()) {
        index = rest.handles().size();
        rest.handles().push_back(std::move(all[use & ~handle_use::last]));
        rest.last_uses_.emplace_back();
      }
      rest.last_uses_[index] = place;
      rest.set_use(place, index | (use & handle_use::last));
    }
  }
  std::erase_if(all, [](const unique_handle& each) { return !each.valid(); });
  last_uses_.clear();
  return rest;
}

}  // namespace ferry::detail
