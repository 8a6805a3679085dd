// SPDX-License-Identifier: BSL-1.0
// Objects of Ferry's own that belong to one process.
#include <ferry/connection.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/listener.hpp>
#include <ferry/pool.hpp>
#include <ferry/process.hpp>
#include <ferry/queue.hpp>

#ifdef FERRY_CONTROL
void send(ferry::connection& to, const ferry::task<int>& task, const ferry::process& child,
          const ferry::lease<int>& lease, const ferry::queue<int>& work) {
  to.send(task.get());
  to.send(work);
  to.send(ferry::process_handle::open(child.pid()));
  to.send(*lease);
}
#else
template <class T>
struct holder {
  T held;
};
template <class... T>
void send(const holder<T>&... value) {
  (void(ferry::dumps(value)), ...);
}
template void send(const holder<ferry::task<int> >&, const holder<ferry::pool>&,
                   const holder<ferry::process>&, const holder<ferry::lease<int> >&,
                   const holder<ferry::listener>&);
#endif
