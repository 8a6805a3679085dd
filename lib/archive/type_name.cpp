// Spelling of wire names.
#include <ferry/detail/type_name.hpp>

namespace ferry::detail {

void append_spelled_name(std::string& name, std::string_view spelled) {
  while (!spelled.empty()) {
    std::size_t skipped = 0;
    for (const std::string_view inline_namespace : {"__cxx11::", "__1::", "__debug::"}) {
      if (spelled.starts_with(inline_namespace)) skipped = inline_namespace.size();
    }
    if (skipped == 0) {
      name += spelled.front();
      skipped = 1;
    }
    spelled.remove_prefix(skipped);
  }
}

}  // namespace ferry::detail
