// SPDX-License-Identifier: BSL-1.0
// Pictures in memory and as PNG files, by libpng.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <png.h>
#include <span>
#include <stdexcept>
#include <vector>

namespace support {

/// Row after row of pixels: red, green and blue, a byte each. A plain aggregate: it crosses as it is.
struct picture {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> pixels;

  std::size_t size() const { return std::size_t{3} * width * height; }
};

/// @throws std::runtime_error  when it cannot be written
inline void write_png(const picture& what, const std::filesystem::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = what.width;
  image.height = what.height;
  image.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&image, path.c_str(), 0, what.pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(path.native() + ": " + image.message);
}

/// What is transparent becomes white.
/// @throws std::runtime_error  when it is no picture
/// @throws std::bad_alloc  when it is too large for this process
inline picture read_png(std::span<const std::byte> file) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const std::unique_ptr<png_image, decltype(&png_image_free)> release(&image, &png_image_free);
  if (png_image_begin_read_from_memory(&image, file.data(), file.size()) == 0)
    throw std::runtime_error(image.message);
  image.format = PNG_FORMAT_RGB;
  picture read{image.width, image.height, {}};
  read.pixels.resize(read.size());
  const png_color white{255, 255, 255};
  if (png_image_finish_read(&image, &white, read.pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(image.message);
  return read;
}

}  // namespace support
