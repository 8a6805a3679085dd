// SPDX-License-Identifier: BSL-1.0
// Offers: handles that are parked in this process, and taking one that is parked in another.
#include <ferry/error.hpp>
#include <ferry/offer.hpp>

#include "base/fork.hpp"
#include "os/handle.hpp"
#include "os/other_process.hpp"
#include "os/parked_handle.hpp"
#include "os/process.hpp"
#include "os/random.hpp"

#include <openssl/crypto.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ferry {
namespace {

bool same_token(const os::parking_token& one, const os::parking_token& other) {
  // In constant time: no process shall learn from how long it takes how much of a guess was right.
  return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

/// The handles that this process has parked.
class waiting_offers {
 public:
  static waiting_offers& instance() {
    static waiting_offers all;
    return all;
  }

  offer add(handle_view handle) {
    const std::lock_guard lock(mutex_);
    forget_parents_offers();
    std::erase_if(waiting_, [](const entry& each) { return !os::is_parked(each.socket); });
    if (waiting_.size() >= most_offers)
      throw transfer_error(
          std::to_string(most_offers) +
          " offers of this process wait to be taken: withdraw those that are not wanted any more");
    entry fresh;
    os::fill_random(fresh.token);
    fresh.socket = os::park_handle(handle, fresh.token);
    const offer made{os::own_id(), started_, os::number_of(fresh.socket), fresh.token};
    waiting_.push_back(std::move(fresh));
    return made;
  }

  bool remove(const offer& offered) {
    const std::lock_guard lock(mutex_);
    forget_parents_offers();
    bool withdrawn = false;
    std::erase_if(waiting_, [&](const entry& each) {
      const bool is_it = same_token(each.token, offered.token);
      // A process may have the socket open by now: what is parked must be claimed, not only closed.
      if (is_it) withdrawn = os::claim_parked(each.socket);
      return is_it;
    });
    return withdrawn;
  }

 private:
  struct entry {
    os::parking_token token{};
    unique_handle socket;
  };

  // A forked child has copies of the sockets, which no process can find by way of the child.
  void forget_parents_offers() {
    if (offers_in_ && !offers_in_->is_copy()) return;
    waiting_.clear();
    started_ = os::start_time_of(os::own_id()).value_or(0);
    offers_in_.emplace();
  }

  std::mutex mutex_;
  std::vector<entry> waiting_;
  std::optional<detail::fork_mark> offers_in_;
  std::uint64_t started_ = 0;
};

constexpr const char* taken_already = "it was already taken or withdrawn";

[[noreturn]] void refuse(const offer& offered, const std::string& why) {
  throw transfer_error("cannot take the handle that process " + std::to_string(offered.process) +
                       " offers: " + why);
}

unique_handle fetch_socket(const offer& offered) {
  const std::optional<unique_handle> process = os::open_process(offered.process);
  if (!process)
    refuse(offered,
           "the process has ended, or it is in another namespace of process ids, where it cannot be seen");
  // Only now: from here on the handle stands for this process and no later one of the same id. Where /proc
  // does not show the start, the token alone tells.
  const std::optional<std::uint64_t> started = os::start_time_of(offered.process);
  if (offered.started != 0 && started && *started != offered.started)
    refuse(offered, "the process has ended, and another one has its id");
  os::taken_handle taken = os::take_handle_of(*process, offered.box);
  if (taken.handle.valid()) return std::move(taken.handle);
  refuse(offered, taken.refusal.empty() ? std::string(taken_already) : taken.refusal);
}

}  // namespace

offer make_offer(handle_view handle) {
  return waiting_offers::instance().add(handle);
}

unique_handle take_offer(const offer& offered) {
  const unique_handle socket = fetch_socket(offered);
  std::optional<os::parked_content> content = os::peek_parked(socket);
  // Another token: the socket is gone, and something else stands under its number.
  if (!content || !same_token(content->token, offered.token) || !os::claim_parked(socket))
    refuse(offered, taken_already);
  return std::move(content->handle);
}

bool withdraw_offer(const offer& offered) {
  return waiting_offers::instance().remove(offered);
}

}  // namespace ferry
