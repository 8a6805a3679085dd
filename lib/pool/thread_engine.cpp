// SPDX-License-Identifier: BSL-1.0
// Workers that are threads.
#include <ferry/engine.hpp>

#include "os/event_handle.hpp"
#include "os/process.hpp"
#include "os/thread.hpp"
#include "os/wait.hpp"
#include "pool/local_worker.hpp"

#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

namespace ferry {
namespace {

using detail::local_worker;
using detail::local_worker_endpoint;

class thread_worker final : public local_worker {
 public:
  thread_worker(worker_setup setup, const doorbell& bell)
      : ended_(os::create_event_handle()), port_(handles_for_worker(bell)) {
    setup.max_memory = 0;  // it is that of the whole program
    auto given = std::make_shared<worker_setup>(std::move(setup));
    thread_ = os::start_thread([this, given] { os::with_faults_handled([&] { live(std::move(*given)); }); });
    worker_has_handles();
  }
  ~thread_worker() override {
    finish();
    thread_.join();
  }

  // A thread ends only by itself, between two tasks.
  void terminate() noexcept override { end_soon(); }
  void kill() noexcept override { end_soon(); }
  native_handle_type native_handle() const override { return ended_.native(); }

  std::optional<worker_end> ended() override {
    if (!os::wait_readable(ended_, deadline::immediately())) return std::nullopt;
    return worker_end{worker_end::kind::exited, thrown_ ? 1 : 0, thrown_};
  }
  std::int64_t pid() const noexcept override { return os::own_id(); }

 private:
  void live(worker_setup setup) noexcept {
    try {
      serve_pool(port_, std::move(setup));
    } catch (...) {
      thrown_ = std::current_exception();
    }
    os::raise_event(ended_);
  }
  void end_soon() noexcept {
    try {
      finish();
      recall(std::numeric_limits<std::size_t>::max());
    } catch (const error&) {  // it has no memory any more that makes sense: the thread has noticed
    }
  }

  unique_handle ended_;
  local_worker_endpoint port_;
  std::exception_ptr thrown_;  // written before the event is raised
  std::thread thread_;
};

class thread_engine final : public engine {
 public:
  std::unique_ptr<worker_link> start(worker_setup setup, doorbell& bell) override {
    return std::make_unique<thread_worker>(std::move(setup), bell);
  }
  std::string_view name() const noexcept override { return "threads of this process"; }
  bool carries_handles() const noexcept override { return true; }
  bool can_kill() const noexcept override { return false; }
};

}  // namespace

std::unique_ptr<engine> make_thread_engine() {
  return std::make_unique<thread_engine>();
}

}  // namespace ferry
