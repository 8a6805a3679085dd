// SPDX-License-Identifier: BSL-1.0
// Makes small pictures of PNG files that nobody vouches for. Each is parsed in a worker process with little
// memory and little time, which may crash over it. This process parses none: it opens the files, checks what
// comes back, and reports what failed and why.
#include <ferry/ferry.hpp>

#include "command_line.hpp"
#include "support/picture.hpp"
#include "support/progress_bar.hpp"
#include "thumbnail.hpp"

#include <boost/range/adaptor/transformed.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <new>
#include <string>

namespace fs = std::filesystem;

namespace {

std::string obituary(const ferry::worker_died& death) {
  using cause = ferry::worker_died::cause;
  switch (death.why()) {
    case cause::timed_out:
      return "takes too long";
    case cause::killed:
      return "the worker crashed, by signal " + std::to_string(death.code());
    case cause::exited:
      return "the worker exited with code " + std::to_string(death.code());
    default:
      return death.what();
  }
}

/// Writes a thumbnail. It comes from a worker that may have been taken over by the file that it parsed.
void write(const support::picture& thumbnail, std::uint32_t most, const fs::path& to) {
  if (thumbnail.width > most || thumbnail.height > most || thumbnail.size() == 0 ||
      thumbnail.size() != thumbnail.pixels.size())
    throw std::runtime_error("the worker's answer is no thumbnail");
  support::write_png(thumbnail, to);
}

/// @returns how many thumbnails were made
std::size_t make_thumbnails(const thumbnails::options& wanted) {
  ferry::pool pool(wanted.workers, {.max_memory = wanted.max_memory});
  support::progress_bar bar("pictures");
  auto results = pool.with({.timeout = wanted.timeout})
                     .imap(thumbnails::maker{wanted.size},
                           wanted.paths | boost::adaptors::transformed([&](const fs::path& path) {
                             return thumbnails::open(path, wanted.accident_of(path));
                           }),
                           {.chunk_size = 1, .max_in_flight = 2 * wanted.workers, .progress = std::ref(bar)});

  std::size_t number = 0, made = 0;
  for (auto result = results.begin(); result != results.end(); ++result, ++number) {
    const fs::path& path = wanted.paths[number];
    std::string report;
    try {
      write(*result, wanted.size, wanted.folder / (std::to_string(number + 1) + ".png"));
      report = "thumbnail " + std::to_string(number + 1);
      ++made;
    } catch (const ferry::worker_died& death) {
      if (death.task() == ferry::worker_died::no_task) throw;  // no worker can be started
      report = "failed: " + obituary(death);
    } catch (const std::bad_alloc&) {
      report = "failed: needs more memory than a worker may have";
    } catch (const std::exception& problem) {
      report = std::string("failed: ") + problem.what();
    }
    bar.above([&] { std::cout << path.native() << ": " << report << '\n'; });
  }
  return made;
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  try {
    const thumbnails::options wanted = thumbnails::read_command_line(argc, argv);
    const std::size_t made = make_thumbnails(wanted);
    std::cout << made << " of " << wanted.paths.size() << " thumbnails made" << std::endl;
    return made == wanted.paths.size() ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << "thumbnails: " << error.what() << '\n';
    return 1;
  }
}
