// The cure for a message that passes a limit.
#pragma once

#include <string>

namespace ferry::detail {

inline std::string raise_limit(const char* limit) {
  return "raise archive_options::limit." + std::string(limit) + " on both sides";
}

}  // namespace ferry::detail
