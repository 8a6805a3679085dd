// Launching the forkserver and asking it for children.
#include "process/forkserver.hpp"

#include <ferry/context.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/bookkeeping.hpp"
#include "process/command_line.hpp"
#include "process/zygote.hpp"

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ferry::detail {
namespace {

/// How long a server whose stream has ended may take to be gone altogether.
constexpr std::chrono::seconds dying_time{5};

/// A server that was launched. Dropping it ends the server.
class server {
 public:
  server() {
    // A fork in between would keep the server alive after its client.
    const auto lock = hold_off_forks();
    os::handle_pair ends = os::packet_socket_pair();
    const std::array<handle_view, 1> passed{ends.second};
    process_ = os::start_program({{}, {std::string(forkserver_argument)}}, passed);
    requests_ = std::move(ends.first);
  }
  ~server() {
    if (on_fork_.is_copy()) return;
    requests_.reset();
    try {
      if (!os::wait_readable(process_.handle, deadline::after(dying_time))) {
        os::signal_process(process_.handle, os::request::kill);
        os::wait_readable(process_.handle, deadline::never());
      }
      os::reap(process_.handle);
    } catch (const error&) {  // nothing is left to be done for it
    }
  }

  server(const server&) = delete;
  server& operator=(const server&) = delete;

  bool is_copy() const noexcept { return on_fork_.is_copy(); }
  handle_view requests() const noexcept { return requests_; }
  bool has_ended(deadline until) const { return os::wait_readable(process_.handle, until); }

 private:
  os::started_process process_;
  unique_handle requests_;
  const fork_hook on_fork_{[this] {
    requests_.reset();
    process_.handle.reset();
  }};
};

/// Guarded by hold_off_forks(). Never destroyed: the server sees its client end.
std::shared_ptr<server>& current_server() {
  static auto& instance = *new std::shared_ptr<server>;
  return instance;
}

std::shared_ptr<server> running_server() {
  const auto lock = hold_off_forks();
  std::shared_ptr<server>& current = current_server();
  if (!current || current->is_copy() || current->has_ended(deadline::immediately())) {
    current.reset();
    current = std::make_shared<server>();
  }
  return current;
}

[[noreturn]] void throw_refusal(std::int32_t code, std::string_view why) {
  const std::string what = "the forkserver cannot start a process: " + std::string(why);
  if (code == fork_reply::refused) throw process_error(what);
  throw system_error(std::error_code(code, std::system_category()), what);
}

}  // namespace

std::optional<forked_child> fork_by_server(handle_view channel, handle_view lifeline, message& start,
                                           deadline until) {
  const std::shared_ptr<server> whom = running_server();
  os::handle_pair report = os::packet_socket_pair();
  std::vector<handle_view> handles{report.second, channel};
  if (lifeline.valid()) handles.push_back(lifeline);
  fork_request request{.has_lifeline = lifeline.valid() ? 1U : 0U};
  std::span<const std::byte> along;
  const bool fits = start.bytes().size() <= fork_request::most_bytes &&
                    start.handles().size() <= fork_request::most_handles;
  if (fits) {
    along = start.bytes();
    request.start_size = static_cast<std::uint32_t>(along.size());
    request.start_handles = static_cast<std::uint32_t>(start.handles().size());
    handles.insert(handles.end(), start.handles().begin(), start.handles().end());
  }
  const std::array sent{std::as_bytes(std::span(&request, 1)), along};
  fork_reply reply;
  std::array<char, fork_reply::most_text> text;
  std::vector<unique_handle> process;
  std::optional<os::arrival> came;
  try {
    if (os::send_packet(whom->requests(), sent, handles, until)) {
      report.second.reset();
      const std::array<std::span<std::byte>, 2> parts{std::as_writable_bytes(std::span(&reply, 1)),
                                                      std::as_writable_bytes(std::span(text))};
      came = os::receive_packet(report.first, parts, process, until);
    }
  } catch (const end_of_stream&) {
    // It has closed its handles, and may not be seen to have ended for a moment: the next attempt must not
    // take it for a server that runs.
    whom->has_ended(deadline::after(dying_time));
    return std::nullopt;
  }
  if (!came) throw process_error("the forkserver did not answer in time (context::start_timeout)");
  if (came->bytes < sizeof reply) {
    if (whom->has_ended(deadline::after(dying_time))) return std::nullopt;
    throw process_error("the forkserver could not take the request: " + os::handle_limit_text());
  }
  if (reply.error != 0) throw_refusal(reply.error, {text.data(), came->bytes - sizeof reply});
  if (process.empty()) os::throw_system_error(EMFILE, "watch process " + std::to_string(reply.id));
  if (fits) start = message();
  return forked_child{{reply.id, std::move(process.front())}, std::move(report.first)};
}

std::optional<os::ending> take_report(handle_view report) {
  os::ending ending;
  std::vector<unique_handle> none;
  const std::array<std::span<std::byte>, 1> parts{std::as_writable_bytes(std::span(&ending, 1))};
  const auto came = os::receive_packet(report, parts, none, deadline::immediately());
  if (!came) return std::nullopt;
  if (came->bytes != sizeof ending) return os::ending{os::ending::kind::exited, 255};
  return ending;
}

}  // namespace ferry::detail

namespace ferry {

void stop_forkserver() {
  std::shared_ptr<detail::server> last;
  const auto lock = detail::hold_off_forks();
  last.swap(detail::current_server());
}

}  // namespace ferry
