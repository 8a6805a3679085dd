// Which process it was, for notes in shared memory that outlive it.
#pragma once

#include <cstdint>

namespace ferry::os {

/// A process in one word, which no other process gets until the ids have gone round *and* the clock is the
/// same: its id in the low half, and above it the low half of the time at which it started. Never 0.
/// Processes that share memory are taken to be in one namespace of process ids.
using process_identity = std::uint64_t;

/// Cheap after the first call in a process. A forked child has its own.
process_identity own_identity() noexcept;
inline std::int64_t id_of(process_identity which) noexcept {
  return static_cast<std::int64_t>(which & 0xffffffffU);
}
/// Whether the process has ended, be it waited for or not. Takes about 20 microseconds.
/// @returns false also when the system does not tell: nothing is taken from a process that may live
bool has_ended(process_identity which) noexcept;

}  // namespace ferry::os
