// SPDX-License-Identifier: BSL-1.0
// Asking a forkserver for children.
#include "process/forkserver.hpp"

#include <ferry/context.hpp>
#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/command_line.hpp"
#include "process/server.hpp"
#include "process/zygote.hpp"

#include <gsl/narrow>

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace ferry::detail {
namespace {

[[noreturn]] void throw_refusal(std::int32_t code, std::string_view why) {
  const std::string what = "the forkserver cannot start a process: " + std::string(why);
  if (code == fork_reply::refused) throw process_error(what);
  throw system_error(std::make_error_code(static_cast<std::errc>(code)), what);
}

std::string silence_text(const context& how) {
  if (how.program.empty()) return "the forkserver did not answer in time (context::start_timeout)";
  return "program " + how.program + " did not take its start within " +
         std::to_string(how.start_timeout.count()) + " ms" + need_of_init;
}

/// Ends one that may be anything but a server.
void give_up(const std::shared_ptr<server>& one) {
  one->kill();
  replace(one);
}

}  // namespace

std::optional<forked_child> fork_by_server(const context& how, handle_view channel, handle_view lifeline,
                                           message& start, deadline until) {
  const std::shared_ptr<server> whom = running_server(how.program);
  const bool is_new = !whom->has_answered();
  os::handle_pair report = os::packet_socket_pair();
  std::vector<handle_view> handles{report.second, channel};
  if (lifeline.valid()) handles.push_back(lifeline);
  fork_request request{.has_lifeline = lifeline.valid() ? 1U : 0U};
  std::span<const std::byte> along;
  const bool fits = start.bytes().size() <= fork_request::most_bytes &&
                    start.handles().size() <= fork_request::most_handles;
  if (fits) {
    along = start.bytes();
    request.start_size = gsl::narrow<std::uint32_t>(along.size());
    request.start_handles = gsl::narrow<std::uint32_t>(start.handles().size());
    handles.insert(handles.end(), start.handles().begin(), start.handles().end());
  }
  const std::array sent{std::as_bytes(std::span(&request, 1)), along};
  fork_reply reply;
  std::array<char, fork_reply::most_text> text;
  std::vector<unique_handle> process;
  std::optional<os::arrival> came;
  bool up_to_date = true;
  try {
    if (os::send_packet(whom->requests(), sent, handles, until)) {
      report.second.reset();
      // Meanwhile it forks, which takes longer; and a child that is not let go has done nothing.
      up_to_date = is_new || whom->is_up_to_date();
      const std::array<std::span<std::byte>, 2> parts{std::as_writable_bytes(std::span(&reply, 1)),
                                                      std::as_writable_bytes(std::span(text))};
      came = os::receive_packet(report.first, parts, process, until);
    }
  } catch (const end_of_stream&) {
    if (whom->is_retired()) return std::nullopt;  // by another thread
    // It has closed its handles, and may not be seen to have ended for a moment: the next attempt must not
    // take it for a server that runs.
    whom->has_ended(deadline::after(dying_time));
    return std::nullopt;
  }
  if (!came) {
    if (is_new) give_up(whom);
    throw process_error(silence_text(how));
  }
  if (came->bytes < sizeof reply) {
    if (whom->is_retired()) return std::nullopt;
    if (whom->has_ended(deadline::after(dying_time))) return std::nullopt;
    throw process_error("the forkserver could not take the request: " + os::handle_limit_text());
  }
  whom->note_answer();
  if (!up_to_date) replace(whom);
  if (reply.error != 0) {
    if (!up_to_date) return std::nullopt;
    throw_refusal(reply.error, {text.data(), came->bytes - sizeof reply});
  }
  if (process.empty())
    os::throw_system_error(std::errc::too_many_files_open, "watch process " + std::to_string(reply.id));
  if (fits && up_to_date) start = message();
  return forked_child{{reply.id, std::move(process.front())}, std::move(report.first), whom, up_to_date};
}

std::optional<os::ending> take_report(handle_view report, handle_view process, const server& from) {
  os::ending ending;
  std::vector<unique_handle> none;
  const std::array<std::span<std::byte>, 1> parts{std::as_writable_bytes(std::span(&ending, 1))};
  const auto came = os::receive_packet(report, parts, none, deadline::immediately());
  if (!came) return std::nullopt;
  if (came->bytes == sizeof ending) return ending;
  // When it is gone altogether, its children are those of the next process above that takes such, which may
  // be this one.
  from.has_ended(deadline::after(dying_time));
  if (const auto own = os::reap(process); own && own->how != os::ending::kind::unknown) return own;
  return os::ending{os::ending::kind::exited, 255};
}

}  // namespace ferry::detail
