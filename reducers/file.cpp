// SPDX-License-Identifier: BSL-1.0
// Reducer of files: they cross as their handle, the open file itself, with its position.
#include <ferry/file.hpp>

namespace ferry {

std::tuple<handle_view> reducer<file>::reduce(const file& open_file) {
  return handle_view(open_file.native_handle());
}

file reducer<file>::rebuild(unique_handle handle) {
  return file::adopt(std::move(handle));
}

}  // namespace ferry
