// The loop of the forkserver.
#include "process/zygote.hpp"

#include <ferry/error.hpp>
#include <ferry/message.hpp>

#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/child_main.hpp"
#include "process/identity.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <vector>

namespace ferry::detail {
namespace {

/// A request as it arrived.
struct taken_request {
  unique_handle report, channel, lifeline;
  message start;  ///< empty: it comes over the channel
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

void refuse(handle_view client, std::int32_t why) noexcept {
  tell(client, fork_reply{.error = why});
}
void refuse(handle_view client, std::errc why) noexcept {
  refuse(client, static_cast<std::int32_t>(why));
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
      : clients_(std::move(clients)), has_threads_(os::other_threads_run()) {
    os::ignore_interrupts();
    static_cast<void>(self());  // made here once, not by each child
  }

  void serve() {
    while (clients_.valid()) {
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
    auto taken = as_request(request, *came);
    taken_.clear();
    if (taken) serve(*taken);
  }

  /// @returns nothing when what came is no request
  std::optional<taken_request> as_request(const fork_request& request, const os::arrival& came) {
    const bool well_formed = came.bytes == sizeof request + request.start_size && !came.truncated &&
                             request.magic == fork_request::expected_magic && request.has_lifeline <= 1;
    if (well_formed && came.handles_lost && !taken_.empty())
      refuse(taken_.front(), std::errc::too_many_files_open);
    const std::size_t own = 2 + request.has_lifeline;
    if (!well_formed || came.handles_lost || taken_.size() != own + request.start_handles)
      return std::nullopt;
    taken_request taken{std::move(taken_[0]), std::move(taken_[1]), {}, {}};
    if (request.has_lifeline != 0) taken.lifeline = std::move(taken_[2]);
    if (request.start_size != 0) {
      const auto first = taken_.begin() + static_cast<std::ptrdiff_t>(own);
      taken.start = message(block_.lend(request.start_size),
                            {std::make_move_iterator(first), std::make_move_iterator(taken_.end())});
    }
    return taken;
  }

  void serve(taken_request& request) {
    if (has_threads_) return refuse(request.report, fork_reply::has_threads);
    try {
      fork_child(request);
    } catch (const system_error& problem) {
      refuse(request.report, problem.code().value());
    } catch (const std::bad_alloc&) {
      refuse(request.report, std::errc::not_enough_memory);
    } catch (const std::exception&) {
      refuse(request.report, fork_reply::unreadable);
    }
  }

  void fork_child(taken_request& request) {
    boost::container::small_vector<handle_view, 8> kept{request.channel, request.lifeline};
    kept.insert(kept.end(), request.start.handles().begin(), request.start.handles().end());
    std::optional<read_start> start;
    if (!request.start.bytes().empty()) start.emplace(std::move(request.start));
    children_.reserve(children_.size() + 1);
    os::started_process child = os::fork_process();
    if (child.id == 0) become_child(request, start, kept);
    const std::array<handle_view, 1> handles{child.handle};
    tell(request.report, fork_reply{.id = child.id}, handles);
    children_.push_back({std::move(child.handle), std::move(request.report)});
  }

  [[noreturn]] static void become_child(taken_request& request, std::optional<read_start>& start,
                                        std::span<handle_view> kept) noexcept {
    os::restore_interrupts();
    os::close_all_but(kept);
    static_cast<void>(request.report.release());  // closed
    if (start) live_as_child(std::move(request.channel), std::move(request.lifeline), *start);
    live_as_child(std::move(request.channel), std::move(request.lifeline));
  }

  unique_handle clients_;
  bool has_threads_;
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
