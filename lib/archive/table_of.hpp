// SPDX-License-Identifier: BSL-1.0
// The dispatch table that the options of an archive mean.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/dispatch_table.hpp>

namespace ferry::detail {

inline const dispatch_table& table_of(const archive_options& options) {
  return options.table != nullptr ? *options.table : global_table();
}

}  // namespace ferry::detail
