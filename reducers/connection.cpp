// SPDX-License-Identifier: BSL-1.0
// Reducer of connections: they cross as their handle, and in which directions they work.
#include <ferry/connection.hpp>
#include <ferry/driver.hpp>
#include <ferry/error.hpp>

#include <string>

namespace ferry {

std::tuple<handle_view, access> reducer<connection>::reduce(const connection& end) {
  if (end.closed()) throw transfer_error("a closed connection, or one that was moved from, cannot cross");
  return {end.driver_->end(), end.ways_};
}

connection reducer<connection>::rebuild(unique_handle handle, access ways) {
  if (ways != access::read_write && ways != access::read_only && ways != access::write_only) {
    throw archive_error("a connection arrived with the access " + std::to_string(static_cast<int>(ways)) +
                        ", which is neither reading nor writing: its message is damaged, or was written by "
                        "another version of Ferry");
  }
  return connection(std::move(handle), ways);
}

}  // namespace ferry
