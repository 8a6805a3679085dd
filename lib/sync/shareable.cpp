// SPDX-License-Identifier: BSL-1.0
// Checking memory that arrives as a value or an array.
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/error.hpp>

#include <string>

namespace ferry::detail {

void check_shareable(const shared_memory& memory, std::size_t element_size, bool only_one,
                     std::string_view name) {
  const std::string text = "received memory of " + std::to_string(memory.size()) + " bytes for " +
                           std::string(name) + ", whose elements have " + std::to_string(element_size);
  if (only_one ? memory.size() != element_size : memory.size() % element_size != 0) throw archive_error(text);
  if (!memory.is_writable()) throw archive_error(text + ", cannot be written");
}

}  // namespace ferry::detail
