// SPDX-License-Identifier: BSL-1.0
// Draws the Mandelbrot set into a PNG file. The rows are tasks of a pool, and come back in order however long
// each takes.
#include <ferry/ferry.hpp>

#include "support/picture.hpp"
#include "support/progress_bar.hpp"

#include <boost/range/irange.hpp>

#include <CLI/CLI.hpp>
#include <complex>
#include <cstdint>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace {

using row = std::vector<std::uint8_t>;

/// The picture, as a function from the number of a row to its pixels. Its members go to each worker once.
struct drawing {
  std::uint32_t width, height, iterations;

  row operator()(std::uint32_t y) const {
    const double scale = 2.5 / height;
    const double imaginary = (y - height / 2.0) * scale;
    row pixels;
    for (std::uint32_t x = 0; x < width; ++x)
      append_colour(pixels, escape({(x - width / 2.0) * scale - 0.75, imaginary}));
    return pixels;
  }

 private:
  /// After how many steps one knows that the point is not in the set.
  std::uint32_t escape(std::complex<double> point) const {
    double a = 0, b = 0;
    std::uint32_t steps = 0;
    for (; steps < iterations && a * a + b * b <= 4; ++steps) {
      const double next = a * a - b * b + point.real();
      b = 2 * a * b + point.imag();
      a = next;
    }
    return steps;
  }

  void append_colour(row& pixels, std::uint32_t steps) const {
    const double t = static_cast<double>(steps) / iterations, s = 1 - t;
    for (const double colour : {9 * s * t * t * t, 15 * s * s * t * t, 8.5 * s * s * s * t})
      pixels.push_back(static_cast<std::uint8_t>(255 * colour));
  }
};

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  drawing wanted{1200, 800, 1000};
  std::size_t workers = ferry::cpu_count();
  std::string file;
  CLI::App app("Draws the Mandelbrot set into a PNG file, in worker processes.", "mandelbrot");
  app.add_option("file", file, "where to draw it")->required();
  app.add_option("--width", wanted.width, "in pixels")->check(CLI::Range(1, 20000))->capture_default_str();
  app.add_option("--height", wanted.height, "in pixels")->check(CLI::Range(1, 20000))->capture_default_str();
  app.add_option("--iterations", wanted.iterations, "for each pixel, at most")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--workers", workers, "how many worker processes")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  try {
    support::picture picture{wanted.width, wanted.height, {}};
    picture.pixels.reserve(picture.size());
    support::progress_bar bar("rows");
    ferry::pool pool(workers);
    for (const row& each :
         pool.imap(wanted, boost::irange<std::uint32_t>(0, wanted.height), {.progress = std::ref(bar)}))
      picture.pixels.insert(picture.pixels.end(), each.begin(), each.end());
    bar.hide();
    support::write_png(picture, file);
  } catch (const std::exception& error) {
    std::cerr << "mandelbrot: " << error.what() << '\n';
    return 1;
  }
}
