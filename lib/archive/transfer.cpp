// SPDX-License-Identifier: BSL-1.0
// The spawning guard: a count per thread.
#include <ferry/transfer.hpp>

#include <boost/core/demangle.hpp>

#include <string>

namespace ferry {
namespace {
thread_local unsigned spawning_scopes = 0;
}

spawning_scope::spawning_scope() noexcept {
  ++spawning_scopes;
}
spawning_scope::~spawning_scope() {
  --spawning_scopes;
}

bool is_spawning() noexcept {
  return spawning_scopes != 0;
}

void detail::throw_spawning_error(const std::type_info& type) {
  throw spawning_error(boost::core::demangle(type.name()) +
                       " objects should only be shared between processes through inheritance; "
                       "use transfer::duplicate to send them at any time");
}

}  // namespace ferry
