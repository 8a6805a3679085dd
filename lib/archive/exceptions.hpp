// SPDX-License-Identifier: BSL-1.0
// Exceptions in the global table.
#pragma once

namespace ferry::detail {

/// Has the exceptions of the standard library and Ferry's own in the global table. To be called before one is
/// looked for there. Thread-safe; does something only once.
void include_exceptions();

}  // namespace ferry::detail
