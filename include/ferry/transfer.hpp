// SPDX-License-Identifier: BSL-1.0
// The two transfer modes and the guard that keeps synchronisation state among the children one starts.
#pragma once

#include <ferry/error.hpp>

#include <string_view>
#include <typeinfo>

namespace ferry {

/// Whether guarded objects (mutexes, semaphores, queues, ...) may cross at any time.
enum class transfer {
  inherit,    ///< only to a child that is just being started; otherwise `spawning_error`
  duplicate,  ///< at any time, over any carrier that takes handles
};

/// Open while a child process is being started, on the thread that starts it: two threads can start processes
/// at once. Scopes nest.
class spawning_scope {
 public:
  spawning_scope() noexcept;
  ~spawning_scope();
  spawning_scope(const spawning_scope&) = delete;
  spawning_scope& operator=(const spawning_scope&) = delete;
};

/// True on a thread that is inside a `spawning_scope`.
bool is_spawning() noexcept;

namespace detail {
[[noreturn]] void throw_spawning_error(const std::type_info& type);
}  // namespace detail

/// @throws spawning_error  naming the type of `object`, if no child is being started on this thread
template <class T>
void assert_spawning(const T& object) {
  if (!is_spawning()) detail::throw_spawning_error(typeid(object));
}

}  // namespace ferry
