// SPDX-License-Identifier: BSL-1.0
// Workers that are processes.
#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/fn.hpp>
#include <ferry/process.hpp>

#include "os/process.hpp"
#include "os/thread.hpp"
#include "pool/local_worker.hpp"
#include "process/child_main.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace ferry {

namespace detail {

/// All that a worker process gets.
struct worker_seat {
  worker_handles handles;
  archive_options archive;
  std::size_t max_memory = 0;
  message initializer;
};

void live_as_worker(worker_seat seat) {
  worker_setup setup;
  setup.archive = seat.archive;
  setup.max_memory = seat.max_memory;
  setup.initializer = std::move(seat.initializer);
  os::take_all_signals();
  local_worker_endpoint port(std::move(seat.handles));
  try {
    serve_pool(port, std::move(setup));
  } catch (...) {
    // The pool gets the exception of each, and ends with it.
    if (!port.bell().is_first_to_fail()) keep_silent_about_exceptions();
    throw;
  }
}

}  // namespace detail

namespace {

class process_worker final : public detail::local_worker {
 public:
  process_worker(const context& how, worker_setup setup, const doorbell& bell) {
    process_options options;
    options.name = setup.name;
    options.daemon = true;
    options.context = how;
    detail::worker_seat seat{.handles = handles_for_worker(bell),
                             .archive = setup.archive,
                             .max_memory = setup.max_memory,
                             .initializer = std::move(setup.initializer)};
    process_ = process(options, fn<&detail::live_as_worker>, seat);
    worker_has_handles();
  }

  void terminate() noexcept override { signal(&process::terminate); }
  void kill() noexcept override { signal(&process::kill); }
  native_handle_type native_handle() const override { return process_.native_handle(); }

  std::optional<worker_end> ended() override {
    const exit_status status = process_.status();
    if (!status.ended()) return std::nullopt;
    worker_has_ended();
    worker_end end;
    end.code = status.code;
    if (status.is == exit_status::state::killed) end.how = worker_end::kind::killed;
    if (status.is != exit_status::state::exited) return end;
    end.how = worker_end::kind::exited;
    try {
      process_.join(rethrow);
    } catch (...) {
      end.thrown = std::current_exception();
    }
    return end;
  }
  std::int64_t pid() const noexcept override { return process_.pid(); }

 private:
  void signal(void (process::*how)() const) noexcept {
    try {
      (process_.*how)();
    } catch (const error&) {  // it has ended
    }
  }

  process process_;
};

class process_engine final : public engine {
 public:
  explicit process_engine(const context& how) : how_(how) {}
  std::unique_ptr<worker_link> start(worker_setup setup, doorbell& bell) override {
    return std::make_unique<process_worker>(how_, std::move(setup), bell);
  }
  std::string_view name() const noexcept override { return "processes of this machine"; }
  bool carries_handles() const noexcept override { return true; }
  bool can_kill() const noexcept override { return true; }

 private:
  context how_;
};

}  // namespace

std::unique_ptr<engine> make_process_engine(const context& how) {
  if (how.method == start_method::fork && !how.fork_with_threads) {
    throw process_error(
        "a pool cannot fork its workers: it replaces those that die while its own threads run, and a lock "
        "that one of them holds would be held in the new worker for ever. Use start_method::spawn or "
        "forkserver, or set context::fork_with_threads");
  }
  return std::make_unique<process_engine>(how);
}

}  // namespace ferry
