// SPDX-License-Identifier: BSL-1.0
// Waiting by one call for all, with what connections have not sent yet going out meanwhile.
#include "os/wait.hpp"

#include <ferry/connection.hpp>
#include <ferry/wait.hpp>

#include <algorithm>
#include <utility>

namespace ferry {

waitable::waitable(connection& what)
    : object_(&what), handle_(what.native_handle()), connection_(what.writable() ? &what : nullptr) {}

bool wait_result::contains(const waitable& what) const noexcept {
  return std::find(ready_.begin(), ready_.end(), what) != ready_.end();
}

class waiting {
 public:
  static wait_result until(std::span<const waitable> what, deadline until) {
    std::vector<os::awaited> handles;
    for (;;) {
      handles.clear();
      for (const waitable& each : what) handles.push_back({each.handle_});
      add_unfinished(what, handles);
      const bool any = os::wait_any(handles, until);
      std::vector<waitable> ready;
      for (std::size_t i = 0; i < what.size(); ++i) {
        if (handles[i].ready && is_ready(what[i])) ready.push_back(what[i]);
      }
      if (!ready.empty() || !any || until.expired()) return wait_result(std::move(ready));
    }
  }

 private:
  /// Sends what goes at once; for what does not, waits until it does.
  static void add_unfinished(std::span<const waitable> what, std::vector<os::awaited>& handles) {
    for (const waitable& each : what) {
      if (each.connection_ != nullptr && !sent_all(*each.connection_))
        handles.push_back({each.handle_, true});
    }
  }

  static bool is_ready(const waitable& what) {
    return what.is_ready_ == nullptr || what.is_ready_(what.object_);
  }

  static bool sent_all(connection& from) {
    try {
      return from.closed() || from.flush_until(deadline::immediately());
    } catch (const end_of_stream&) {
      return true;  // which counts as ready
    }
  }
};

wait_result wait_until(std::span<const waitable> what, deadline until) {
  return waiting::until(what, until);
}

}  // namespace ferry
