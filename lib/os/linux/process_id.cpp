// Who this process is.
#include "os/process_id.hpp"

#include <unistd.h>

namespace ferry::os {

std::int64_t process_id() noexcept {
  return ::getpid();
}

}  // namespace ferry::os
