// SPDX-License-Identifier: BSL-1.0
// The writer of a pool's calls: their arguments go into the records for its workers.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/archive_options.hpp>
#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/detail/process/callable.hpp>
#include <ferry/error.hpp>

#include <cstddef>
#include <cstring>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry::detail {

/// Writes the arguments of a call, converted to the parameters, as one item of a record.
/// @tparam Traits  `job_traits` of the call
template <class Traits>
class item_writer {
 public:
  /// What an item takes in bytes where it is plain; 0 where no item is.
  static constexpr std::size_t plain_size = Traits::plain_size;

  /// @param title  of the record, which says whether items are plain
  item_writer(const archive_options& packing, const record_title& title)
      : packing_(packing), plain_(title.item_size != 0) {}
  /// For a pool, whose tasks are waited for where descriptors have run out.
  item_writer(const pool_core& core, const record_title& title) : item_writer(core.packing(), title) {
    core_ = core;
  }

  bool plain() const noexcept { return plain_; }

  template <class... Args>
  void append(pool_record& into, Args&&... args) const {
    if constexpr (plain_size != 0) {
      if (plain_) return write_plain(into.storage().extend(plain_size), std::forward<Args>(args)...);
    }
    append_as(typename Traits::sent(), into, std::forward<Args>(args)...);
  }
  /// Where items are plain.
  /// @param place  of `plain_size` bytes
  template <class... Args>
  void write_plain(std::byte* place, Args&&... args) const {
    write_plain_as(typename Traits::sent(), place, std::forward<Args>(args)...);
  }

 private:
  template <class... P, class... Args>
  static void write_plain_as(parameters<P...>, std::byte* place, Args&&... args) {
    (write_one<std::remove_cvref_t<P>>(place, std::forward<Args>(args)), ...);
  }
  template <class T, class Arg>
  static void write_one(std::byte*& place, Arg&& arg) {
    const T value = std::forward<Arg>(arg);
    std::memcpy(place, &value, sizeof value);
    place += sizeof value;
  }
  template <class... P, class... Args>
  void append_as(parameters<P...>, pool_record& into, Args&&... args) const {
    const std::tuple<borrowed<std::remove_cvref_t<P>, Args>...> held(std::forward<Args>(args)...);
    const auto write = [&](forking_oarchive& archive) {
      std::apply([&archive](const auto&... each) { (void(archive << each), ...); }, held);
    };
    for (bool written = false; !written;) {
      try {
        into.append(packing_, item_head::given, write);
        written = true;
      } catch (const system_error& problem) {
        // There will be descriptors when tasks are done that hold some.
        if (problem.code() != std::errc::too_many_files_open || !core_ || !core_->wait_for_handles()) throw;
      }
    }
  }

  mutable std::optional<pool_core> core_;
  archive_options packing_;
  bool plain_;
};

/// The same for elements that are tuples of arguments.
template <class Traits>
class unpacking_writer {
 public:
  static constexpr std::size_t plain_size = Traits::plain_size;

  unpacking_writer(const pool_core& core, const record_title& title) : writer_(core, title) {}

  bool plain() const noexcept { return writer_.plain(); }
  template <class Element>
  void write_plain(std::byte* place, Element&& element) const {
    std::apply([&](auto&&... each) { writer_.write_plain(place, std::forward<decltype(each)>(each)...); },
               std::forward<Element>(element));
  }
  template <class Element>
  void append(pool_record& into, Element&& element) const {
    std::apply([&](auto&&... each) { writer_.append(into, std::forward<decltype(each)>(each)...); },
               std::forward<Element>(element));
  }

 private:
  item_writer<Traits> writer_;
};

}  // namespace ferry::detail
