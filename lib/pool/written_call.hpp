// SPDX-License-Identifier: BSL-1.0
// Calls inside messages: the name of a callable, and what it is called with.
#pragma once

#include <ferry/detail/process/callable.hpp>
#include <ferry/forking_iarchive.hpp>
#include <ferry/forking_oarchive.hpp>

#include <memory>

namespace ferry::detail {

void write_call(forking_oarchive& into, const call& what);
/// Finds the callable by its name, and calls it. The call is the last thing in the archive.
/// @throws process_error  when this program has no such callable
std::shared_ptr<void> invoke_written(forking_iarchive& from);

}  // namespace ferry::detail
