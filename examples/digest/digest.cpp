// SPDX-License-Identifier: BSL-1.0
// Files in, digests out, and worker processes in between.
#include "digest.hpp"

#include <ferry/error.hpp>
#include <ferry/pool.hpp>

#include "support/progress_bar.hpp"

#include <boost/range/adaptor/transformed.hpp>
#include <boost/range/iterator_range.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <unistd.h>

namespace digest {

namespace {

result run(job job) {
  return job.run();
}

job open(const std::filesystem::path& path) {
  return job(path);
}

std::string obituary(const ferry::worker_died& death) {
  const bool killed = death.why() == ferry::worker_died::cause::killed;
  return "two workers died over it; the second " +
         ((killed ? "was killed by signal " : "exited with code ") + std::to_string(death.code()));
}

}  // namespace

void digest_files(const std::vector<std::filesystem::path>& files, std::size_t workers,
                  ferry::start_method method, support::progress_bar& bar, const receiver& receive) {
  // A worker takes seven descriptors here, and every file that is on its way takes one.
  const auto descriptors = static_cast<std::size_t>(std::max(64L, ::sysconf(_SC_OPEN_MAX)));
  const std::size_t affordable = std::min({workers, files.size(), descriptors / 16});
  const ferry::map_options each{.chunk_size = 1,  // so that a death concerns one file
                                .max_in_flight = std::min(64 * affordable, descriptors / 8),
                                .progress = std::ref(bar)};
  // The pool's thread, beside which workers are forked, holds no locks that they need.
  const ferry::context how{.method = method, .fork_with_threads = true};

  for (auto next = files.begin(); next != files.end();) {
    ferry::pool pool(affordable, {.context = how});
    auto results =
        pool.with({.retries = 1})
            .imap(ferry::fn<&run>,
                  boost::make_iterator_range(next, files.end()) | boost::adaptors::transformed(&open), each);
    for (auto result = results.begin(); result != results.end(); ++result, ++next) {
      try {
        receive(*next, *result);
      } catch (const ferry::worker_died& death) {
        // Somebody kills workers before they begin. This pool has given up; the next one may be lucky.
        if (death.task() == ferry::worker_died::no_task) break;
        receive(*next, {{}, obituary(death)});
      }
    }
  }
}

}  // namespace digest
