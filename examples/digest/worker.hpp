// What a worker process does.
#pragma once

#include <ferry/connection.hpp>

namespace digest {

/// Digests the files that arrive until no more can come. The connection is all that a worker is given: the
/// files in its messages are open already.
void work(ferry::connection parent);

}  // namespace digest
