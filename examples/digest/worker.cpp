// What a worker process does.
#include "worker.hpp"

#include <ferry/error.hpp>

#include "job.hpp"
#include "sha256.hpp"

namespace digest {

namespace {

result digest_of(job job) {
  try {
    return {job.number, sha256(job.content), {}};
  } catch (const ferry::system_error& error) {
    return {job.number, {}, error.code().message()};
  }
}

}  // namespace

void work(ferry::connection parent) try {
  for (;;) parent.send(digest_of(parent.recv<job>()));
} catch (const ferry::end_of_stream&) {
  // The parent has no more work, or is gone.
}

}  // namespace digest
