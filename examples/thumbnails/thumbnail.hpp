// SPDX-License-Identifier: BSL-1.0
// Job of a worker: the file that goes to it, and the small picture that it makes.
#pragma once

#include <ferry/file.hpp>

#include "support/picture.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace thumbnails {

/// What tests have happen to a worker.
enum class accident { none, crash, hang };

/// An open file, or the reason why it is not.
struct job {
  std::optional<ferry::file> image;
  std::string problem;
  accident then = accident::none;
};

/// In the parent.
job open(const std::filesystem::path& path, accident then);

/// In the worker: makes the thumbnail of a file.
/// @throws std::runtime_error  when it is no picture
/// @throws std::bad_alloc  when it is too large for this process
struct maker {
  std::uint32_t size;  ///< most pixels of either side

  support::picture operator()(job what) const;
};

}  // namespace thumbnails
