// SPDX-License-Identifier: BSL-1.0
// Registration of the types that every program sends, so that they can be read by name.
#include <ferry/dispatch_table.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace ferry::detail {

void add_fundamental(dispatch_table& table);

void add_fundamental(dispatch_table& table) {
  table.add<bool>();
  table.add<char>();
  table.add<std::int32_t>();
  table.add<std::uint32_t>();
  table.add<std::int64_t>();
  table.add<std::uint64_t>();
  table.add<double>();
  table.add<std::string>();
  table.add<std::vector<std::string>>();
  table.add<std::vector<std::byte>>();
  table.add<std::vector<std::int32_t>>();
  table.add<std::vector<double>>();
}

}  // namespace ferry::detail
