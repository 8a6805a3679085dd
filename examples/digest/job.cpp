// SPDX-License-Identifier: BSL-1.0
// Job of a worker: the file that goes to it, and the digest that comes back.
#include "job.hpp"

#include <ferry/error.hpp>

#include "sha256.hpp"

namespace digest {

job::job(const std::filesystem::path& path) {
  try {
    content_ = ferry::file::open(path);
  } catch (const ferry::system_error& error) {
    problem_ = error.code().message();
  }
}

result job::run() {
  if (!content_) return {{}, problem_};
  try {
    content_->seek(0);  // a worker that was killed over it had the same open file, and moved its position
    return {sha256(*content_), {}};
  } catch (const ferry::system_error& error) {
    return {{}, error.code().message()};
  }
}

}  // namespace digest
