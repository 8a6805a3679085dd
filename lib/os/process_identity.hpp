// SPDX-License-Identifier: BSL-1.0
// Identities of processes, for notes in shared memory that outlive them.
#pragma once

#include <cstdint>

namespace ferry::os {

/// A process in one word, from the first time it is asked for until the process ends: its id in the low half,
/// as its own namespace has it, and above it a number drawn at random. No other process has it, in whatever
/// namespace. Never 0, nor all ones. Whether it still lives is told by a `roll`.
using process_identity = std::uint64_t;

/// Takes no descriptor and no file of /proc. Cheap after the first call in a process. A forked child has its
/// own.
process_identity own_identity() noexcept;
inline std::int64_t id_of(process_identity which) noexcept {
  return static_cast<std::int64_t>(which & 0xffffffffU);
}

}  // namespace ferry::os
