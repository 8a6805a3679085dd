// SPDX-License-Identifier: BSL-1.0
// Job of a worker: the file that goes to it, and the small picture that it makes.
#include "thumbnail.hpp"

#include <ferry/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>
#include <vector>

namespace thumbnails {

namespace {

std::vector<std::byte> read_all(ferry::file& from) {
  std::vector<std::byte> all(from.size());
  std::size_t size = 0;
  while (const std::size_t got = from.read(std::span(all).subspan(size))) size += got;
  all.resize(size);
  return all;
}

/// The mean of the pixels that become one.
std::array<std::uint8_t, 3> mean(const support::picture& of, std::size_t x, std::size_t y, std::size_t x_end,
                                 std::size_t y_end) {
  std::array<std::uint64_t, 3> sums{};
  for (std::size_t row = y; row < y_end; ++row)
    for (std::size_t i = 0; i < 3 * (x_end - x); ++i) sums[i % 3] += of.pixels[3 * (row * of.width + x) + i];
  const std::uint64_t count = (x_end - x) * (y_end - y);
  return {static_cast<std::uint8_t>(sums[0] / count), static_cast<std::uint8_t>(sums[1] / count),
          static_cast<std::uint8_t>(sums[2] / count)};
}

support::picture shrunk(const support::picture& from, std::uint32_t most) {
  const std::size_t longest = std::max(from.width, from.height), size = std::min<std::size_t>(most, longest);
  const auto scaled = [&](std::uint32_t side) {
    return static_cast<std::uint32_t>(std::max<std::size_t>(side * size / longest, 1));
  };
  support::picture small{scaled(from.width), scaled(from.height), {}};
  small.pixels.reserve(small.size());
  const auto begin_of = [](std::size_t i, std::size_t all, std::size_t parts) { return i * all / parts; };
  for (std::size_t y = 0; y < small.height; ++y)
    for (std::size_t x = 0; x < small.width; ++x) {
      const auto pixel =
          mean(from, begin_of(x, from.width, small.width), begin_of(y, from.height, small.height),
               begin_of(x + 1, from.width, small.width), begin_of(y + 1, from.height, small.height));
      small.pixels.insert(small.pixels.end(), pixel.begin(), pixel.end());
    }
  return small;
}

}  // namespace

job open(const std::filesystem::path& path, accident then) {
  try {
    const auto what = std::filesystem::status(path);
    if (exists(what) && !is_regular_file(what)) return {{}, "not a regular file", then};
    return {ferry::file::open(path), {}, then};
  } catch (const ferry::system_error& error) {
    return {{}, error.code().message(), then};
  } catch (const std::filesystem::filesystem_error& error) {
    return {{}, error.code().message(), then};
  }
}

support::picture maker::operator()(job what) const {
  if (!what.image) throw std::runtime_error(what.problem);
  if (what.then == accident::crash) std::abort();
  while (what.then == accident::hang) ::pause();
  return shrunk(support::read_png(read_all(*what.image)), size);
}

}  // namespace thumbnails
