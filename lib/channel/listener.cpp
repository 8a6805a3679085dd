// Accepting, with any number of handshakes under way.
#include <ferry/error.hpp>
#include <ferry/listener.hpp>

#include "channel/adopt.hpp"
#include "channel/handshake.hpp"
#include "os/handle.hpp"
#include "os/process.hpp"
#include "os/rendezvous.hpp"
#include "os/wait.hpp"
#include "os/wait_set.hpp"

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

namespace ferry {
namespace {

bool earlier(deadline left, deadline right) {
  return left.remaining() < right.remaining();
}

}  // namespace

class listener::state {
 public:
  state(const address& where, listener_options options)
      : options_(std::move(options)), socket_(os::listen_on(where, options_.backlog)) {
    if (where.kind() == address::family::path) own_file_ = os::identify_path(where.name());
    waiting_.add(socket_.handle);
  }

  ~state() {
    // A forked child has the same listener, but the file is its parent's.
    const bool still_own =
        own_file_ && maker_ == os::own_id() && os::identify_path(socket_.bound.name()) == own_file_;
    if (still_own) os::remove_path(socket_.bound.name());
    for (const candidate& each : candidates_) waiting_.remove(each.link->wait_handle());
    waiting_.remove(socket_.handle);
  }

  std::optional<connection> accept(deadline until) {
    for (;;) {
      take_new();
      if (auto accepted = advance_all()) return accepted;
      const deadline wake = earlier(next_to_give_up(), until) ? next_to_give_up() : until;
      if (!os::wait_readable(waiting_.handle(), wake) && until.expired()) return std::nullopt;
    }
  }

  const address& where() const noexcept { return socket_.bound; }
  const peer_info& last_accepted() const noexcept { return last_accepted_; }
  handle_view handle() const noexcept { return waiting_.handle(); }

 private:
  /// A peer that has connected and is proving itself.
  struct candidate {
    std::unique_ptr<channel::driver> link;
    peer_info info;
    std::unique_ptr<channel::handshake> proof;  ///< null: nothing to prove
    deadline give_up = deadline::never();
  };

  void take_new() {
    while (auto accepted = os::accept_from(socket_.handle)) {
      candidate fresh;
      fresh.info.from = std::move(accepted->from);
      if (const auto peer = os::peer_credentials(accepted->handle)) {
        fresh.info.process_id = peer->process;
        fresh.info.user_id = peer->user;
        if (options_.same_user && peer->user != os::current_user()) {
          refused(authentication_error("refused a peer of user " + std::to_string(peer->user) +
                                       ": set same_user to false to accept other users"));
          continue;
        }
      }
      fresh.link = channel::adopt(std::move(accepted->handle));
      if (options_.authkey) {
        fresh.proof = std::make_unique<channel::handshake>(channel::authentication::role::listener,
                                                           *options_.authkey, options_.allow_md5);
        fresh.give_up = deadline::after(options_.handshake_time);
      }
      if (candidates_.size() >= std::max<std::size_t>(options_.most_handshakes, 1)) {
        drop(candidates_.begin(),
             authentication_error("refused a peer: " + std::to_string(candidates_.size()) +
                                  " newer ones want to prove themselves"));
      }
      waiting_.add(fresh.link->wait_handle());
      candidates_.push_back(std::move(fresh));
    }
  }

  std::optional<connection> advance_all() {
    for (auto each = candidates_.begin(); each != candidates_.end();) {
      const auto current = each++;
      try {
        if (!current->proof || current->proof->advance(*current->link, deadline::immediately())) {
          return accepted(current);
        }
        if (current->give_up.expired()) {
          throw authentication_error("authentication failed: the peer did not prove itself within " +
                                     std::to_string(options_.handshake_time.count()) + " ms");
        }
      } catch (const authentication_error& why) {
        drop(current, why);
      }
    }
    return std::nullopt;
  }

  connection accepted(std::list<candidate>::iterator which) {
    waiting_.remove(which->link->wait_handle());
    last_accepted_ = std::move(which->info);
    connection result(std::move(which->link), access::read_write, options_.archive);
    candidates_.erase(which);
    return result;
  }

  void drop(std::list<candidate>::iterator which, const authentication_error& why) {
    waiting_.remove(which->link->wait_handle());
    candidates_.erase(which);
    refused(why);
  }

  void refused(const authentication_error& why) const {
    if (options_.on_refused) options_.on_refused(why);
  }

  deadline next_to_give_up() const {
    deadline first = deadline::never();
    for (const candidate& each : candidates_) {
      if (earlier(each.give_up, first)) first = each.give_up;
    }
    return first;
  }

  listener_options options_;
  os::listening_socket socket_;
  os::wait_set waiting_;
  std::optional<os::memory_identity> own_file_;
  const std::int64_t maker_ = os::own_id();
  std::list<candidate> candidates_;  // oldest first
  peer_info last_accepted_;
};

listener::listener(const address& where, listener_options options)
    : state_(std::make_unique<state>(where, std::move(options))) {}
listener::listener(listener&&) noexcept = default;
listener& listener::operator=(listener&&) noexcept = default;
listener::~listener() = default;

listener::state& listener::open() const {
  if (closed()) {
    throw system_error(std::make_error_code(std::errc::bad_file_descriptor),
                       "use a listener that is closed, or was moved from");
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
                                 std::to_string(options.handshake_time.count()) + " ms");
    }
  }
  return connection(std::move(link), access::read_write, options.archive);
}

}  // namespace ferry
