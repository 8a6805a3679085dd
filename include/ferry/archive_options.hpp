// SPDX-License-Identifier: BSL-1.0
// Options of one archive, and of everything that a connection or context sends.
#pragma once

#include <ferry/buffer.hpp>
#include <ferry/limits.hpp>
#include <ferry/reducer.hpp>
#include <ferry/transfer.hpp>

#include <string_view>
#include <tuple>

namespace ferry {

class dispatch_table;

/// Options of `dumps`, `loads` and the archives. The defaults are safe for bytes from anywhere.
struct archive_options {
  transfer mode = transfer::inherit;  ///< whether guarded objects may cross outside the start of a process
  const dispatch_table* table = nullptr;  ///< looked up first, then its parents; null: the global one
  limits limit = {};                      ///< budgets, checked on both sides
  buffer::source* memory = nullptr;       ///< writing only: where large blocks come from; null: the heap
};

/// They cross as mode and limits. Tables and memory are those of a process.
template <>
struct reducer<archive_options> {
  static constexpr std::string_view name = "ferry.archive_options";
  static std::tuple<transfer, limits> reduce(const archive_options& whole) noexcept {
    return {whole.mode, whole.limit};
  }
  static archive_options rebuild(transfer mode, const limits& limit) noexcept {
    archive_options made;
    made.mode = mode;
    made.limit = limit;
    return made;
  }
};

namespace detail {
/// What the options of a queue, a pool or a context say of the archives that it makes.
template <class Options>
archive_options options_of_archives(const Options& of) noexcept {
  archive_options made;
  made.mode = of.mode;
  made.table = of.table;
  made.limit = of.limit;
  return made;
}
}  // namespace detail

}  // namespace ferry
