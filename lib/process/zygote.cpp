// SPDX-License-Identifier: BSL-1.0
// The loop of the forkserver.
#include "process/zygote.hpp"

#include <ferry/error.hpp>
#include <ferry/message.hpp>

#include "os/handle.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/child_main.hpp"
#include "process/identity.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

namespace ferry::detail {
namespace {

/// How long a client whose user has too many handles in flight may keep its server waiting.
constexpr std::chrono::seconds telling_time{1};

/// What comes with a request besides the start message.
struct request_ends {
  unique_handle report, channel, lifeline;
};

struct forked {
  unique_handle process, report;
};

/// Says something to one client. That it is gone, or does not listen, is its own affair.
template <class Report>
void tell(handle_view client, const Report& what, std::span<const handle_view> handles = {},
          std::string_view text = {}) noexcept {
  try {
    const std::array parts{std::as_bytes(std::span(&what, 1)), std::as_bytes(std::span(text))};
    os::send_packet(client, parts, handles, deadline::after(telling_time));
  } catch (const error&) {
  }
}

void refuse(handle_view client, std::int32_t code, std::string_view why) noexcept {
  tell(client, fork_reply{.error = code}, {}, why.substr(0, fork_reply::most_text));
}
/// To be called while an exception is handled.
void refuse(handle_view client) noexcept {
  try {
    throw;
  } catch (const system_error& problem) {
    // Without the reason: the client's exception of the same code says it.
    const std::string_view text = problem.what();
    refuse(client, problem.code().value(), text.substr(0, text.rfind(": ")));
  } catch (const std::bad_alloc&) {
    refuse(client, static_cast<int>(std::errc::not_enough_memory), "read what it is to do");
  } catch (const std::exception& problem) {
    refuse(client, fork_reply::refused, problem.what());
  }
}

/// The one block that start messages arrive in.
class start_block {
 public:
  start_block() { block_.extend(fork_request::most_bytes); }

  std::span<std::byte> memory() noexcept { return block_.writable_bytes(); }
  /// To be called with the size of what has arrived. What the message before was longer by would be found by
  /// the next child, which it is not for.
  void wipe_behind(std::size_t size) noexcept {
    if (size < used_) std::ranges::fill(memory().subspan(size, used_ - size), std::byte{});
    used_ = size;
  }
  /// The first `size` bytes, where they are: valid until the next ones arrive.
  buffer lend(std::size_t size) { return {std::make_unique<lent>(memory()), size}; }

 private:
  class lent final : public buffer::external {
   public:
    explicit lent(std::span<std::byte> memory) noexcept : external(memory) {}
  };

  buffer block_;
  std::size_t used_ = 0;
};

class zygote {
 public:
  explicit zygote(unique_handle clients)
      : clients_(std::move(clients)),
        has_threads_(os::other_threads_run()),
        heeds_interrupts_(os::ignore_interrupts()) {
    taken_.reserve(os::most_handles_per_call);  // so that what comes can be taken without memory
    static_cast<void>(self());  // what a process knows of itself is made here once, not by each child
  }

  void serve() {
    while (clients_.valid() && !(retired_ && children_.empty())) {
      awaited_.clear();
      awaited_.push_back({clients_});
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
    const std::array parts{std::as_writable_bytes(std::span(&request, 1)), block_.memory()};
    const auto came = os::receive_packet(clients_, parts, taken_, deadline::immediately());
    if (!came) return;
    if (came->bytes == 0 && taken_.empty()) {
      // The end of the stream, or a packet of no bytes? Only the first is there for ever.
      if (os::hung_up(clients_)) clients_.reset();
      return;
    }
    block_.wipe_behind(came->bytes - std::min(came->bytes, sizeof request));
    answer(request, *came);
    taken_.clear();
  }

  void answer(const fork_request& request, const os::arrival& came) {
    const bool well_formed = came.bytes == sizeof request + request.start_size && !came.truncated &&
                             request.magic == fork_request::expected_magic && request.has_lifeline <= 1;
    const std::size_t own = 2 + request.has_lifeline;
    if (came.bytes == sizeof request && request.magic == fork_request::retire_magic) retired_ = true;
    if (!well_formed || retired_ || taken_.empty()) return;
    if (!came.handles_lost && taken_.size() != own + request.start_handles) return;
    request_ends ends{std::move(taken_[0]), {}, {}};
    try {
      if (came.handles_lost)
        os::throw_system_error(std::errc::too_many_files_open, "take the handles that are for it");
      if (has_threads_) {
        throw process_error("this program starts threads before its main function calls ferry::init");
      }
      ends.channel = std::move(taken_[1]);
      if (request.has_lifeline != 0) ends.lifeline = std::move(taken_[2]);
      fork_child(ends, take_start(request.start_size, own));
    } catch (...) {
      refuse(ends.report);
    }
  }

  /// @param own  handles that are none of the message's
  message take_start(std::size_t size, std::size_t own) {
    if (size == 0) return {};
    const auto first = taken_.begin() + static_cast<std::ptrdiff_t>(own);
    return message(block_.lend(size),
                   {std::make_move_iterator(first), std::make_move_iterator(taken_.end())});
  }

  void fork_child(request_ends& ends, message with) {
    // A handle that is read out of the message keeps its number.
    boost::container::small_vector<handle_view, 8> kept{ends.channel, ends.lifeline};
    kept.insert(kept.end(), with.handles().begin(), with.handles().end());
    std::optional<read_start> start;
    if (!with.bytes().empty()) start.emplace(std::move(with));
    if (children_.size() == children_.capacity()) children_.reserve(2 * children_.size());
    os::started_process child = os::fork_process();
    if (child.id == 0) become_child(ends, start, kept);
    const std::array<handle_view, 1> handles{child.handle};
    tell(ends.report, fork_reply{.id = child.id}, handles);
    children_.push_back({std::move(child.handle), std::move(ends.report)});
  }

  [[noreturn]] void become_child(request_ends& ends, std::optional<read_start>& start,
                                 std::span<handle_view> kept) const noexcept {
    if (heeds_interrupts_) os::heed_interrupts();
    os::close_all_but(kept);
    static_cast<void>(ends.report.release());  // closed
    if (start) live_as_child(std::move(ends.channel), std::move(ends.lifeline), *start);
    live_as_child(std::move(ends.channel), std::move(ends.lifeline));
  }

  unique_handle clients_;
  bool has_threads_, heeds_interrupts_, retired_ = false;
  start_block block_;
  // Not on the heap while they are few: after each fork a page of it would be copied for them.
  boost::container::small_vector<forked, 8> children_;
  boost::container::small_vector<os::awaited, 9> awaited_;  // `children_` and `clients_`
  std::vector<unique_handle> taken_;
};

}  // namespace

void serve_forks(unique_handle clients) {
  zygote(std::move(clients)).serve();
}

}  // namespace ferry::detail
