// SPDX-License-Identifier: BSL-1.0
// Accepting, with any number of handshakes under way.
#include <ferry/driver.hpp>
#include <ferry/error.hpp>
#include <ferry/listener.hpp>

#include "base/fork.hpp"
#include "channel/adopt.hpp"
#include "channel/handshake.hpp"
#include "os/alarm.hpp"
#include "os/handle.hpp"
#include "os/process.hpp"
#include "os/rendezvous.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"
#include "os/wait_set.hpp"

#include <gsl/util>

#include <algorithm>
#include <iterator>
#include <list>
#include <utility>

namespace ferry {
namespace {

deadline earlier(deadline left, deadline right) {
  return left.remaining() < right.remaining() ? left : right;
}

/// How many of the backlog are taken before it is looked what time it is, and what those in hand have said.
constexpr int most_at_a_time = 64;

}  // namespace

class listener::state {
 public:
  state(const address& where, listener_options options)
      : options_(std::move(options)), socket_(os::listen_on(where, options_.backlog, options_.replace_dead)) {
    own_hall();
  }

  std::optional<connection> accept(deadline until) {
    own_hall();
    for (;;) {
      auto accepted = options_.authkey ? hall_->look_around() : accept_anybody();
      if (accepted || until.expired()) return accepted;
      os::wait_readable(handle(), until);
    }
  }

  const address& where() const noexcept { return socket_.bound; }
  const peer_info& last_accepted() const noexcept { return last_accepted_; }
  handle_view handle() {
    own_hall();
    return options_.authkey ? hall_->handle() : handle_view(socket_.handle);
  }

 private:
  /// The socket file of a listener. It goes with the listener, unless another file is there by then.
  class socket_file {
   public:
    /// @param of  outlives this
    explicit socket_file(const address& of) : of_(of) {
      if (of.kind() == address::family::path) made_ = os::identify_path(of.name());
    }
    ~socket_file() {
      // A forked child has the same listener, but the file is its parent's.
      const bool is_own = made_ && !made_in_.is_copy() && os::identify_path(of_.name()) == made_;
      if (is_own) os::remove_path(of_.name());
    }
    socket_file(const socket_file&) = delete;
    socket_file& operator=(const socket_file&) = delete;

   private:
    const address& of_;
    std::optional<os::memory_identity> made_;
    const detail::fork_mark made_in_;
  };

  /// A peer that has connected.
  struct arrival {
    std::unique_ptr<driver> link;
    peer_info info;
  };

  /// Peers that are proving themselves, and the handle that is readable when there is something to do for
  /// one of them or for the next. It is of one process: what is in the handle is one thing for that process
  /// and its forked copies.
  class hall {
   public:
    explicit hall(state& of) : of_(of) {
      events_.add(of_.socket_.handle);
      events_.add(alarm_.handle());
    }
    ~hall() {
      // A forked copy lets go of what it has of another's, and leaves that as it is.
      if (!is_own()) return;
      while (!candidates_.empty()) dismiss(candidates_.begin());
      events_.remove(of_.socket_.handle);
      events_.remove(alarm_.handle());
    }
    hall(const hall&) = delete;
    hall& operator=(const hall&) = delete;

    bool is_own() const noexcept { return !made_in_.is_copy(); }
    handle_view handle() const noexcept { return events_.handle(); }

    /// Hears the peers that have said something, and lets others in. @returns one that has proved itself
    std::optional<connection> look_around() {
      const auto wait_for_the_right_things = gsl::finally([this] { set_events(); });
      auto accepted = hear_all();
      return accepted ? std::move(accepted) : let_in();
    }

   private:
    struct candidate {
      candidate(arrival from, const listener_options& options, std::chrono::milliseconds silence)
          : who(std::move(from)),
            proof(channel::authentication::role::listener, *options.authkey, options.allow_md5),
            give_up(deadline::after(options.handshake_time)),
            make_room(deadline::after(silence)) {}

      arrival who;
      channel::handshake proof;
      deadline give_up;
      deadline make_room;  ///< from then on it has been silent for long enough to make room for others
    };
    using position = std::list<candidate>::iterator;

    std::optional<connection> hear_all() {
      for (auto each = candidates_.begin(); each != candidates_.end();) {
        if (auto proved = hear(each++)) return proved;
      }
      return std::nullopt;
    }

    /// @returns its connection, when it has proved itself
    std::optional<connection> hear(position which) {
      try {
        const int before = which->proof.steps_taken();
        if (which->proof.advance(*which->who.link, deadline::immediately())) {
          events_.remove(which->who.link->wait_handle());
          arrival who = std::move(which->who);
          candidates_.erase(which);
          return of_.welcome(std::move(who));
        }
        if (which->proof.steps_taken() != before) {
          which->make_room = deadline::after(silence());
          // It is not the peer's fault that it is heard so late.
          if (which->give_up.expired()) which->give_up = deadline::after(of_.options_.handshake_time);
        } else if (which->give_up.expired()) {
          throw authentication_error("authentication failed: the peer did not prove itself within " +
                                     std::to_string(of_.options_.handshake_time.count()) + " ms");
        }
      } catch (const authentication_error& why) {
        dismiss(which);
        of_.refused(why);
      }
      return std::nullopt;
    }

    /// Gives a challenge to those who wait in the backlog, as far as there is room. Others wait on there.
    std::optional<connection> let_in() {
      for (int i = 0; i < most_at_a_time; ++i) {
        if (is_full() && !silent()) break;
        if (!os::wait_readable(of_.socket_.handle, deadline::immediately())) break;
        if (is_full()) {
          dismiss(*silent());
          of_.refused(authentication_error(
              "refused a peer: it has said nothing for " + std::to_string(silence().count()) +
              " ms, and others want to prove themselves, of whom listener_options::most_handshakes allows " +
              std::to_string(most()) + " at a time"));
        }
        auto who = of_.take_next();
        if (!who) break;
        events_.add(who->link->wait_handle());
        candidates_.emplace_back(std::move(*who), of_.options_, silence());
        if (auto proved = hear(std::prev(candidates_.end()))) return proved;
      }
      return std::nullopt;
    }

    /// How long a peer may be silent when others wait: a good one answers as soon as it runs.
    std::chrono::milliseconds silence() const { return of_.options_.handshake_time / 10; }
    std::size_t most() const { return std::max<std::size_t>(of_.options_.most_handshakes, 1); }
    bool is_full() const { return candidates_.size() >= most(); }

    position longest_silent() {
      return std::min_element(candidates_.begin(), candidates_.end(),
                              [](const candidate& a, const candidate& b) {
                                return a.make_room.remaining() < b.make_room.remaining();
                              });
    }
    std::optional<position> silent() {
      for (auto each = candidates_.begin(); each != candidates_.end(); ++each)
        if (each->make_room.expired()) return each;
      return std::nullopt;
    }

    void dismiss(position which) noexcept {
      const handle_view link = which->who.link->wait_handle();
      events_.remove(link);
      try {
        // A forked copy may have it open too, which must not keep the peer waiting.
        os::shut_down(link, os::direction::both);
      } catch (const system_error&) {
      }
      candidates_.erase(which);
    }

    void set_events() noexcept {
      deadline next = deadline::never();
      for (const candidate& each : candidates_) next = earlier(next, each.give_up);
      const bool has_room = !is_full() || silent();
      if (!has_room) next = earlier(next, longest_silent()->make_room);
      events_.heed(of_.socket_.handle, has_room);
      alarm_.set(next);
    }

    state& of_;
    os::wait_set events_;
    os::alarm alarm_;
    std::list<candidate> candidates_;  // in the order in which they came
    const detail::fork_mark made_in_;
  };

  void own_hall() {
    if (options_.authkey && (!hall_ || !hall_->is_own())) hall_.emplace(*this);
  }

  /// Without a key, every peer that may connect is welcome, and none is taken out of the backlog before its
  /// turn.
  std::optional<connection> accept_anybody() {
    if (auto who = take_next()) return welcome(std::move(*who));
    return std::nullopt;
  }

  connection welcome(arrival who) {
    last_accepted_ = std::move(who.info);
    return connection(std::move(who.link), access::read_write, options_.archive);
  }

  /// The next in the backlog who is not refused for his user.
  std::optional<arrival> take_next() {
    for (int i = 0; i < most_at_a_time; ++i) {
      auto accepted = os::accept_from(socket_.handle);
      if (!accepted) return std::nullopt;
      arrival who;
      who.info.from = std::move(accepted->from);
      try {
        identify(accepted->handle, who.info);
        who.link = channel::adopt(std::move(accepted->handle));
        return who;
      } catch (const error& why) {
        refused(why);
      }
    }
    return std::nullopt;
  }

  void identify(handle_view peer, peer_info& info) const {
    const auto told = os::peer_credentials(peer);
    if (!told) return;
    info.process_id = told->process;
    info.user_id = told->user;
    if (options_.same_user && told->user != os::current_user()) {
      throw authentication_error("refused a peer of user " + std::to_string(told->user) +
                                 ": set same_user to false to accept other users");
    }
  }

  void refused(const error& why) const {
    if (options_.on_refused) options_.on_refused(why);
  }

  listener_options options_;
  os::listening_socket socket_;
  const socket_file file_{socket_.bound};
  peer_info last_accepted_;
  std::optional<hall> hall_;  // where there is something to prove
};

listener::listener(listener_options options) : listener(address::any(), std::move(options)) {}
listener::listener(const address& where, listener_options options)
    : state_(std::make_unique<state>(where, std::move(options))) {}
listener::listener(listener&&) noexcept = default;
listener& listener::operator=(listener&&) noexcept = default;
listener::~listener() = default;

listener::state& listener::open() const {
  if (closed()) {
    os::throw_system_error(std::errc::bad_file_descriptor, "use a listener that is closed or moved from");
  }
  return *state_;
}

connection listener::accept() {
  return std::move(*accept_until(deadline::never()));
}
std::optional<connection> listener::accept_until(deadline until) {
  return open().accept(until);
}
const address& listener::where() const {
  return open().where();
}
const peer_info& listener::last_accepted() const {
  return open().last_accepted();
}
native_handle_type listener::native_handle() const {
  return open().handle().native();
}
void listener::close() noexcept {
  state_.reset();
}

connection connect(const address& where, const connect_options& options, deadline until) {
  auto link = channel::adopt(os::connect_to(where, until));
  if (options.authkey) {
    channel::handshake proof(channel::authentication::role::client, *options.authkey, options.allow_md5);
    if (!proof.advance(*link, deadline::after(options.handshake_time))) {
      throw authentication_error("authentication failed: " + where.text() + " did not prove itself within " +
                                 std::to_string(options.handshake_time.count()) +
                                 " ms; has the listener a key at all?");
    }
  }
  return connection(std::move(link), access::read_write, options.archive);
}

}  // namespace ferry
