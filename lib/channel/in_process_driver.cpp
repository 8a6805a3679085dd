// SPDX-License-Identifier: BSL-1.0
// Two queues, and a pipe beside each that tells whether there is something in it.
#include "channel/in_process_driver.hpp"

#include <ferry/error.hpp>

#include "os/byte_stream.hpp"
#include "os/socket.hpp"
#include "os/wait.hpp"

#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace ferry::channel {
namespace {

/// One direction: bounded, closed from either side.
class one_way {
 public:
  one_way() : event_(os::plain_pipe()) {}

  bool push(message& what, deadline until) {
    std::unique_lock lock(mutex_);
    if (!wait(lock, room_, until, [this] { return closed_ || has_room(); })) return false;
    if (closed_) throw end_of_stream("the other end of the connection is closed: nothing can be sent");
    const bool was_empty = queue_.empty();
    bytes_ += what.bytes().size();
    what.set_format(0);
    queue_.push_back(std::move(what));
    what = message();
    if (was_empty) ring();
    news_.notify_one();
    return true;
  }

  std::optional<message> pop(deadline until) {
    std::unique_lock lock(mutex_);
    if (!wait(lock, news_, until, [this] { return closed_ || !queue_.empty(); })) return std::nullopt;
    if (queue_.empty()) throw end_of_stream("the other end of the connection is closed");
    message what = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= what.bytes().size();
    if (queue_.empty() && !closed_) silence();
    room_.notify_one();
    return what;
  }

  void close() noexcept {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    event_.second.reset();  // readable for ever
    news_.notify_all();
    room_.notify_all();
  }

  handle_view event() const noexcept { return event_.first; }

 private:
  static constexpr std::size_t most_messages = 64;
  static constexpr std::size_t most_bytes = std::size_t{4} << 20U;

  bool has_room() const { return queue_.empty() || (queue_.size() < most_messages && bytes_ < most_bytes); }

  template <class Predicate>
  static bool wait(std::unique_lock<std::mutex>& lock, std::condition_variable& change, deadline until,
                   Predicate holds) {
    if (until.is_never()) {
      change.wait(lock, holds);
      return true;
    }
    return change.wait_until(lock, deadline::clock::now() + until.remaining(), holds);
  }

  // The pipe holds one byte while the queue holds anything, so neither call waits.
  void ring() {
    constexpr std::byte one{};
    const std::array part{std::span(&one, 1)};
    os::send_some(event_.second, os::endpoint::pipe, part, {}, deadline::never());
  }
  void silence() {
    std::byte one{};
    std::vector<unique_handle> none;
    os::receive_some(event_.first, os::endpoint::pipe, {&one, 1}, none, deadline::never());
  }

  std::mutex mutex_;
  std::condition_variable news_, room_;
  std::deque<message> queue_;
  std::size_t bytes_ = 0;  // in the queue
  os::handle_pair event_;
  bool closed_ = false;
};

class in_process_driver final : public driver {
 public:
  in_process_driver(std::shared_ptr<one_way> out, std::shared_ptr<one_way> in) noexcept
      : out_(std::move(out)), in_(std::move(in)) {}
  ~in_process_driver() override {
    out_->close();
    in_->close();
  }

  bool send(const message_view& what, deadline until) override {
    buffer bytes;
    bytes.append(what.bytes.data(), what.bytes.size());
    std::vector<unique_handle> handles;
    for (const unique_handle& each : what.handles) handles.push_back(duplicate(each));
    message copy(std::move(bytes), std::move(handles));
    return out_->push(copy, until);
  }
  bool hand_over(message& what, deadline until) override { return out_->push(what, until); }
  std::optional<message> receive(const limits& limit, deadline until) override {
    auto what = in_->pop(until);
    if (what) check_limits(what->bytes().size(), what->handles().size(), limit);
    return what;
  }
  bool readable(deadline until) override { return os::wait_readable(in_->event(), until); }
  handle_view wait_handle() const noexcept override { return in_->event(); }
  handle_view end() const override {
    throw transfer_error("a connection within a process cannot cross to another: make it with ferry::pipe()");
  }
  handle_carriage carriage() const noexcept override { return handle_carriage::direct; }

 private:
  std::shared_ptr<one_way> out_, in_;
};

}  // namespace

std::pair<std::unique_ptr<driver>, std::unique_ptr<driver>> make_in_process_drivers() {
  const auto there = std::make_shared<one_way>(), back = std::make_shared<one_way>();
  return {std::make_unique<in_process_driver>(there, back), std::make_unique<in_process_driver>(back, there)};
}

}  // namespace ferry::channel
