// SPDX-License-Identifier: BSL-1.0
// The fields of /proc/<id>/stat.
#include "os/linux/proc_stat.hpp"

#include <algorithm>
#include <charconv>

namespace ferry::os {

std::optional<process_facts> parse_stat(std::string_view text) noexcept {
  // The second field, the program's name, may hold blanks and parentheses; behind it comes the third.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  text.remove_prefix(name_end + 1);
  constexpr int first = 3, state = 3, threads = 20, start_time = 22;
  process_facts found;
  for (int field = first; field <= start_time; ++field) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::string_view value = text.substr(0, text.find(' '));
    if (value.empty()) return std::nullopt;
    const char* const end = value.data() + value.size();
    if (field == state) found.state = value.front();
    if (field == threads) std::from_chars(value.data(), end, found.threads);
    if (field == start_time && std::from_chars(value.data(), end, found.start_time).ec != std::errc())
      return std::nullopt;
    text.remove_prefix(value.size());
  }
  return found;
}

}  // namespace ferry::os
