// Records, item by item.
#include <ferry/detail/pool_record.hpp>
#include <ferry/error.hpp>
#include <ferry/task.hpp>

#include <exception>
#include <iterator>
#include <new>
#include <string>
#include <utility>

namespace ferry::detail {

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

item_reader::item item_reader::next() {
  item found;
  if (item_size_ != 0) {
    found.head.size = item_size_;
    found.bytes = {next_bytes(item_size_), item_size_};
    return found;
  }
  if (rest_.size() < sizeof found.head) throw_short();
  std::memcpy(&found.head, rest_.data(), sizeof found.head);
  rest_ = rest_.subspan(sizeof found.head);
  if (found.head.size > rest_.size() || found.head.handles > record_.handles.size() - handles_taken_)
    throw archive_error("an item in a record of a pool is longer than the record");
  found.bytes = rest_.first(static_cast<std::size_t>(found.head.size));
  rest_ = rest_.subspan(found.bytes.size());
  const auto first = record_.handles.begin() + static_cast<std::ptrdiff_t>(handles_taken_);
  found.handles.assign(std::make_move_iterator(first),
                       std::make_move_iterator(first + static_cast<std::ptrdiff_t>(found.head.handles)));
  handles_taken_ += found.head.handles;
  return found;
}

pool_record pool_record::split_off(std::uint32_t first) {
  std::size_t place = sizeof(record_title), handle = 0;
  const std::size_t item_size = title().item_size;
  if (item_size != 0) place += first * item_size;
  for (std::uint32_t number = 0; item_size == 0 && number < first; ++number) {
    item_head head;
    std::memcpy(&head, bytes.data() + place, sizeof head);
    place += sizeof head + static_cast<std::size_t>(head.size);
    handle += head.handles;
  }
  pool_record rest(title());
  rest.bytes.append(bytes.data() + place, bytes.size() - place);
  const auto from = handles.begin() + static_cast<std::ptrdiff_t>(handle);
  rest.handles.assign(std::make_move_iterator(from), std::make_move_iterator(handles.end()));
  bytes.truncate(place);
  handles.erase(from, handles.end());
  return rest;
}

}  // namespace ferry::detail
