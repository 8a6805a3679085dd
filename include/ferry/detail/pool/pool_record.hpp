// SPDX-License-Identifier: BSL-1.0
// Records of items that go between a pool and its workers.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/buffer.hpp>
#include <ferry/forking_iarchive.hpp>
#include <ferry/forking_oarchive.hpp>
#include <ferry/handle.hpp>
#include <ferry/message.hpp>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace ferry::detail {

/// In front of every record. Of fixed form, so that it is understood without running user code: what the
/// items hold is for those whose items they are.
struct record_title {
  enum class kind : std::uint32_t {
    make,    ///< to a worker: make a job or a state, and keep it as `id`
    forget,  ///< to a worker: drop what was made as `id`
    run,     ///< to a worker: run the job `job` for each item; the answer has the same `id`
    answer,  ///< from a worker: what came of each item
  };
  kind what = kind::run;
  std::uint32_t count = 0;  ///< of items
  std::uint64_t id = 0;
  std::uint64_t job = 0;
  std::uint64_t state = 0;        ///< that the job works on; 0: none
  std::uint64_t nanoseconds = 0;  ///< answers: how long all items took
  /// Not 0: the items are plain, so many bytes each, one after the other, without heads. They are what plain
  /// values are in a message: their own bytes.
  std::uint32_t item_size = 0;
  std::uint32_t timed = 0;  ///< not 0: the pool looks when each item is begun
};
static_assert(sizeof(record_title) == 48);

/// In front of every item that is not plain, which is a message without an envelope. Behind the item stands a
/// `handle_use` for each of its handles.
struct item_head {
  std::uint64_t size = 0;     ///< in bytes, without this head and the uses of handles
  std::uint32_t format = 0;   ///< as in `message::format`
  std::uint32_t handles = 0;  ///< how many it uses of those of the record
  std::uint32_t failed = 0;   ///< answers: not `given`: it is the exception instead of the result
  std::uint32_t unused = 0;

  static constexpr std::uint32_t given = 0;
  static constexpr std::uint32_t thrown = 1;            ///< by the task
  static constexpr std::uint32_t arguments_unread = 2;  ///< by reading them
  static constexpr std::uint32_t result_unwritten = 3;  ///< by writing it
};
static_assert(sizeof(item_head) == 24);

/// A handle of an item. Items that have handles of the same object share one of the record's.
struct handle_use {
  static constexpr std::uint32_t last = std::uint32_t{1} << 31U;  ///< no later item uses it

  std::uint32_t index = 0;  ///< among those of the record; with `last` or without
};

/// The title of a record, which has been found to be long enough for one.
inline record_title title_of(const message& record) noexcept {
  record_title title;
  std::memcpy(&title, record.bytes().data(), sizeof title);
  return title;
}

/// A record that is being made: a message of a title, items, and the handles of all items. Not thread-safe.
class pool_record : public message {
 public:
  pool_record() = default;
  explicit pool_record(const record_title& title) { storage().append(title); }

  record_title title() const noexcept { return title_of(*this); }
  void set_title(const record_title& title) noexcept { std::memcpy(storage().data(), &title, sizeof title); }

  /// Appends an item, which `write` writes into an archive. If that throws, the record is as before.
  template <class Write>
  void append(const archive_options& options, std::uint32_t failed, Write&& write) {
    buffer& bytes = storage();
    const std::size_t place = bytes.size();
    bytes.extend(sizeof(item_head) + forking_oarchive::bare_prefix);  // so that the next line does not throw
    forking_oarchive archive(std::move(bytes), options, place + sizeof(item_head));
    try {
      write(archive);
      message written = archive.finish_bare();
      bytes = written.take_buffer();
      const item_head head{bytes.size() - place - sizeof(item_head), written.format(),
                           static_cast<std::uint32_t>(written.handles().size()), failed, 0};
      std::memcpy(bytes.data() + place, &head, sizeof head);
      if (!written.handles().empty()) append_handles(written.take_handles());
    } catch (...) {
      if (bytes.data() == nullptr) bytes = archive.abandon();
      bytes.truncate(place);
      throw;
    }
  }

  /// Appends an item that is nothing but these bytes.
  void append_plain(std::span<const std::byte> item) {
    storage().append(item_head{item.size(), 0, 0, 0, 0});
    storage().append(item.data(), item.size());
  }

  /// Without any items again.
  void restart(const record_title& title) {
    storage().truncate(0);
    handles().clear();
    last_uses_.clear();
    storage().append(title);
  }

  /// Takes the items from the `first` one on out of the record, with the handles that they use: what is left
  /// has been used up.
  /// @returns a record of them, with the same title
  pool_record split_off(std::uint32_t first);

 private:
  void append_handles(std::vector<unique_handle> of_item);
  void set_use(std::size_t place, std::size_t index) noexcept;

  std::vector<std::size_t> last_uses_;  ///< where in the bytes the last use of each handle stands
};

/// A record that a worker has sent. Those of its handles that are not taken are closed without waiting: it is
/// not for the worker to say how long that takes.
class received_record : public message {
 public:
  received_record() = default;
  received_record(received_record&&) = default;
  received_record& operator=(received_record&& other) noexcept {
    std::swap<message>(*this, other);
    return *this;
  }
  received_record(const received_record&) = delete;
  received_record& operator=(const received_record&) = delete;
  ~received_record() { forbid_lingering(); }

  /// Makes the sockets among its handles not linger when they are closed.
  void forbid_lingering() noexcept;
};

/// Goes through the items of a record, which are taken one after the other.
class item_reader {
 public:
  /// @param record  outlives the reader; its handles are taken out of it
  explicit item_reader(message& record) noexcept : record_(record) {
    if (record.bytes().size() <= sizeof(record_title)) return;
    rest_ = record.bytes().subspan(sizeof(record_title));
    item_size_ = title_of(record).item_size;
  }

  /// An archive of the next item, with its handles.
  /// @param failed  gets `item_head::failed` of it
  /// @throws archive_error  when no item is left, it is longer than the record, or uses handles that are not
  /// there
  /// @throws system_error   when there are no descriptors for handles that later items use too
  /// @throws what the archive does
  forking_iarchive next(const archive_options& options, std::uint32_t& failed);
  /// Whether the next item is plain, and as long as a T.
  template <class T>
  bool has_plain() const noexcept {
    return item_size_ == sizeof(T) && rest_.size() >= sizeof(T);
  }
  template <class T>
  T next_plain() noexcept {
    std::array<std::byte, sizeof(T)> copy;
    std::memcpy(copy.data(), rest_.data(), sizeof(T));
    rest_ = rest_.subspan(sizeof(T));
    return std::bit_cast<T>(copy);
  }
  /// All items, where they are plain and so many of that size; else nothing.
  std::span<const std::byte> all_plain(std::size_t size, std::size_t count) const noexcept {
    return item_size_ == size && rest_.size() == size * count ? rest_ : std::span<const std::byte>();
  }
  /// The bytes of a plain item of that size. @throws archive_error  when there are not as many
  const std::byte* next_bytes(std::size_t size) {
    if (rest_.size() < size) throw_short();
    const std::byte* const place = rest_.data();
    rest_ = rest_.subspan(size);
    return place;
  }

 private:
  [[noreturn]] static void throw_short();

  std::vector<unique_handle> take_handles(std::span<const std::byte> uses);

  message& record_;
  std::span<const std::byte> rest_;
  std::size_t item_size_ = 0;
};

}  // namespace ferry::detail
