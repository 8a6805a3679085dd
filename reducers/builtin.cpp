// SPDX-License-Identifier: BSL-1.0
// List of all families in the built-in dispatch table. A new one adds a line here and a file beside it.
#include <ferry/barrier.hpp>
#include <ferry/condition_variable.hpp>
#include <ferry/connection.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/event.hpp>
#include <ferry/file.hpp>
#include <ferry/message.hpp>
#include <ferry/mutex.hpp>
#include <ferry/named_semaphore.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/process_handle.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/socket.hpp>

#include "archive/exceptions.hpp"

namespace ferry::detail {

void add_fundamental(dispatch_table& table);

namespace {

void add_own_types(dispatch_table& table) {
  add_fundamental(table);
  table.add<barrier<>>();
  table.add<bounded_semaphore>();
  table.add<condition_variable>();
  table.add<connection>();
  table.add<event>();
  table.add<file>();
  table.add<message>();
  table.add<mutex>();
  table.add<named_semaphore>();
  table.add<once_flag>();
  table.add<process_handle>();
  table.add<recursive_mutex>();
  table.add<semaphore>();
  table.add<shared_memory>();
  table.add<socket>();
}

}  // namespace

void include_own_types() {
  include_exceptions();
  [[maybe_unused]] static const bool included = (add_own_types(global_table()), true);
}

}  // namespace ferry::detail
