// SPDX-License-Identifier: BSL-1.0
// The identity of this process and its default context.
#include "process/identity.hpp"

#include <ferry/error.hpp>
#include <ferry/process.hpp>

#include "base/fork.hpp"
#include "os/process.hpp"
#include "os/processors.hpp"
#include "os/random.hpp"

#include <algorithm>
#include <atomic>

namespace ferry {
namespace detail {
namespace {

struct shared_identity {
  identity who;
  std::atomic<std::uint32_t> children{0};
  // Guarded by hold_off_forks().
  std::string key;
  context chosen;
  bool settled = false;
};
shared_identity& shared() {
  // Never destroyed: processes with static storage outlive it otherwise.
  static auto& instance = *new shared_identity;
  return instance;
}
std::atomic<bool> init_called{false};

}  // namespace

void become(start_request& request) {
  shared_identity& all = shared();
  if (request.output) os::redirect(os::output::standard, *request.output);
  if (request.error_output) os::redirect(os::output::error, *request.error_output);
  if (request.named) {
    os::set_own_name(request.name);
  } else if (all.who.named) {  // a copy of one that was
    os::take_program_name();
  }
  all.who = identity{std::move(request.name),
                     request.named,
                     request.daemon,
                     std::move(request.position),
                     std::move(request.parent_name),
                     request.parent_id,
                     std::move(request.parent)};
  all.children = 0;
  all.key = std::move(request.authkey);
  all.chosen = std::move(request.context);
  all.settled = false;
}

void drop_parents_identity() noexcept {
  shared().who.parent.reset();
}

const identity& self() {
  return shared().who;
}

const std::string& family_key() {
  constexpr std::size_t key_size = 32;
  const auto lock = hold_off_forks();
  std::string& key = shared().key;
  if (key.empty()) {
    key.resize(key_size);
    os::fill_random(std::as_writable_bytes(std::span(key)));
  }
  return key;  // it does not change any more
}

std::vector<std::uint32_t> next_position() {
  std::vector<std::uint32_t> position = self().position;
  position.push_back(++shared().children);
  return position;
}

std::string name_of(const std::string& prefix, const std::vector<std::uint32_t>& position) {
  std::string name = prefix;
  char separator = '-';
  for (const std::uint32_t number : position) {
    name += std::exchange(separator, ':') + std::to_string(number);
  }
  return name;
}

context take_default_context() {
  const auto lock = hold_off_forks();
  shared().settled = true;
  return shared().chosen;
}

void require_startable(const context& how) {
  if (how.method != start_method::fork || how.program.empty()) return;
  throw process_error("start_method::fork copies this program and cannot start another one (" + how.program +
                      "): use spawn or forkserver for that");
}

bool initialised() noexcept {
  return init_called;
}
void note_initialised() noexcept {
  init_called = true;
}

}  // namespace detail

const char* to_string(start_method method) noexcept {
  switch (method) {
    case start_method::spawn:
      return "spawn";
    case start_method::fork:
      return "fork";
    case start_method::forkserver:
      return "forkserver";
  }
  return "unknown";
}

std::vector<start_method> all_start_methods() {
  return {start_method::spawn, start_method::fork, start_method::forkserver};
}

context default_context() {
  const auto lock = detail::hold_off_forks();
  return detail::shared().chosen;
}

void set_default_context(context to) {
  detail::require_startable(to);
  const auto lock = detail::hold_off_forks();
  detail::shared().chosen = std::move(to);
  detail::shared().settled = true;
}

void set_start_method(start_method method, bool force) {
  auto& all = detail::shared();
  const auto lock = detail::hold_off_forks();
  if (all.settled && !force) {
    throw process_error(
        std::string("the start method is ") + to_string(all.chosen.method) +
        " already (it has been set, or a process or pool without a context of its own was started): set it "
        "earlier, use force, or give processes a context of their own");
  }
  context changed = all.chosen;
  changed.method = method;
  detail::require_startable(changed);
  all.chosen.method = method;
  all.settled = true;
}

start_method get_start_method() {
  return default_context().method;
}

process_info current_process() {
  return {detail::self().name, os::own_id(), detail::self().daemon, detail::family_key()};
}

std::optional<process_handle> parent_process() {
  const detail::identity& me = detail::self();
  if (!me.parent.valid()) return std::nullopt;
  return process_handle::adopt(duplicate(me.parent), me.parent_name);
}

unsigned cpu_count() noexcept {
  return os::usable_processors();
}

}  // namespace ferry
