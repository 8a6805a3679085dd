// SPDX-License-Identifier: BSL-1.0
// Lowering limits for a scope.
#include "support/faults.hpp"

#include "support/leaks.hpp"

#include <cerrno>
#include <system_error>

namespace ferry::test {
namespace {

// The limit is one more than the highest number that may be opened, so gaps below count too.
rlim_t limit_that_allows(std::size_t more) {
  const auto open = holdings::now().descriptors;
  rlim_t limit = 0;
  for (std::size_t unused = 0; unused < more || open.contains(static_cast<int>(limit)); ++limit)
    unused += !open.contains(static_cast<int>(limit));
  return limit;
}

}  // namespace

scoped_limit::scoped_limit(int resource, rlim_t value) : resource_(resource) {
  const auto which = static_cast<decltype(RLIMIT_NOFILE)>(resource);
  if (::getrlimit(which, &before_) != 0) throw std::system_error(errno, std::system_category(), "getrlimit");
  rlimit lowered = before_;
  lowered.rlim_cur = value;
  if (::setrlimit(which, &lowered) != 0) throw std::system_error(errno, std::system_category(), "setrlimit");
}

scoped_limit::~scoped_limit() {
  ::setrlimit(static_cast<decltype(RLIMIT_NOFILE)>(resource_), &before_);
}

scoped_fd_limit::scoped_fd_limit(std::size_t more) : limit_(RLIMIT_NOFILE, limit_that_allows(more)) {}

}  // namespace ferry::test
