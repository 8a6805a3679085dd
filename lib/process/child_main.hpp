// The life of a child from its first instruction in Ferry to its exit.
#pragma once

#include <ferry/handle.hpp>

namespace ferry::detail {

class closure;

/// Receives over `channel` what there is to do, does it and exits.
/// @param lifeline  invalid, or what this process dies with
/// @param work  what to do if the parent names no callable
/// @param announce  tell the parent that this program knows how to be a child
[[noreturn]] void live_as_child(unique_handle channel, unique_handle lifeline, closure* work = nullptr,
                                bool announce = false) noexcept;

/// Goes through what a child does before its work, so that the forkserver does once what each of its children
/// would have to do again: symbols are looked up and memory is touched.
void rehearse();

}  // namespace ferry::detail
