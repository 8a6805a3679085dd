// The loop of the forkserver.
#include "process/zygote.hpp"

#include <ferry/error.hpp>

#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/child_main.hpp"

#include <array>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace ferry::detail {
namespace {

/// A request as it arrived.
struct taken_request {
  unique_handle report, channel, lifeline;
};

struct forked {
  unique_handle process, report;
};

/// Says something to one client. That it is gone, or does not listen, is its own affair.
template <class Report>
void tell(handle_view client, const Report& what, std::span<const handle_view> handles = {}) noexcept {
  try {
    const std::array<std::span<const std::byte>, 1> parts{std::as_bytes(std::span(&what, 1))};
    os::send_packet(client, parts, handles, deadline::immediately());
  } catch (const error&) {
  }
}

/// @returns nothing when what came is no request
std::optional<taken_request> as_request(const fork_request& request, const os::arrival& came,
                                        std::span<unique_handle> handles) {
  const bool well_formed = came.bytes == sizeof request && !came.truncated &&
                           request.magic == fork_request::expected_magic && request.has_lifeline <= 1;
  if (well_formed && came.handles_lost && !handles.empty()) {
    tell(handles.front(), fork_reply{.error = static_cast<std::int32_t>(std::errc::too_many_files_open)});
  }
  if (!well_formed || came.handles_lost || handles.size() != 2 + request.has_lifeline) return std::nullopt;
  return taken_request{std::move(handles[0]), std::move(handles[1]),
                       request.has_lifeline != 0 ? std::move(handles[2]) : unique_handle()};
}

class zygote {
 public:
  explicit zygote(unique_handle clients)
      : clients_(std::move(clients)), has_threads_(os::other_threads_run()) {
    os::ignore_interrupts();
    rehearse();
  }

  [[noreturn]] void serve() {
    for (;;) {
      awaited_.assign(1, {clients_});
      for (const forked& each : children_) awaited_.push_back({each.process});
      os::wait_any(awaited_, deadline::never());
      // From the end, for a child that is told of is removed.
      for (std::size_t i = children_.size(); i-- > 0;) {
        if (awaited_[i + 1].ready) tell_end(i);
      }
      if (awaited_.front().ready) take_request();
    }
  }

 private:
  void tell_end(std::size_t index) {
    if (const auto ending = os::reap(children_[index].process)) {
      tell(children_[index].report, *ending);
      children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(index));
    }
  }

  void take_request() {
    fork_request request;
    const std::array<std::span<std::byte>, 1> parts{std::as_writable_bytes(std::span(&request, 1))};
    const auto came = os::receive_packet(clients_, parts, taken_, deadline::immediately());
    if (!came) return;
    if (came->bytes == 0 && taken_.empty()) {
      // The end of the stream, or a packet of no bytes? Only the first is there for ever.
      if (os::hung_up(clients_)) std::exit(EXIT_SUCCESS);
      return;
    }
    auto taken = as_request(request, *came, taken_);
    taken_.clear();
    if (taken) fork_child(std::move(*taken));
  }

  void fork_child(taken_request request) {
    if (has_threads_) {
      tell(request.report, fork_reply{.error = fork_reply::has_threads});
      return;
    }
    try {
      os::started_process child = os::fork_process();
      if (child.id == 0) become_child(std::move(request));
      const std::array<handle_view, 1> handles{child.handle};
      tell(request.report, fork_reply{.id = child.id}, handles);
      children_.push_back({std::move(child.handle), std::move(request.report)});
    } catch (const system_error& problem) {
      tell(request.report, fork_reply{.error = problem.code().value()});
    }
  }

  [[noreturn]] static void become_child(taken_request request) {
    os::restore_interrupts();
    // What is kept moves to the same numbers in every child.
    const std::array<handle_view, os::most_passed_handles> kept{request.channel, request.lifeline};
    os::keep_as_passed(std::span(kept).first(request.lifeline.valid() ? 2 : 1));
    const bool daemon = request.lifeline.valid();
    for (unique_handle* each : {&request.report, &request.channel, &request.lifeline}) {
      static_cast<void>(each->release());  // closed, or known by another number
    }
    live_as_child(os::passed_handle(0), daemon ? os::passed_handle(1) : unique_handle());
  }

  unique_handle clients_;
  bool has_threads_;
  std::vector<forked> children_;
  // Used in each round. They keep their memory: what is allocated and freed after a fork has pages copied.
  std::vector<os::awaited> awaited_;
  std::vector<unique_handle> taken_;
};

}  // namespace

void serve_forks(unique_handle clients) {
  zygote(std::move(clients)).serve();
}

}  // namespace ferry::detail
