// Ferry's own types in the global table.
#pragma once

namespace ferry {
class dispatch_table;
namespace detail {
/// Adds the entries of every family under reducers/; defined there, so that the archive knows none of them.
void add_builtin_entries(dispatch_table& table);
}  // namespace detail
}  // namespace ferry
