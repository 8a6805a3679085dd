// SPDX-License-Identifier: BSL-1.0
// A connection over a carrier of one's own: lines of text, as a serial console or a terminal takes them.
//
// Each message is a line of hexadecimal digits. Whatever carries text carries connections then. The driver is
// tried by the tests that every driver has to pass.
#include <ferry/connection.hpp>
#include <ferry/driver.hpp>
#include <ferry/driver_conformance.hpp>
#include <ferry/error.hpp>
#include <ferry/wait.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace {

/// Over a socket of bytes. It never takes more from it than the line at hand, so that `wait_handle` is
/// readable whenever there is something to receive.
class line_driver final : public ferry::driver {
 public:
  explicit line_driver(ferry::unique_handle stream) : stream_(std::move(stream)) {}

  bool send(const ferry::message_view& what, ferry::deadline until) override {
    if (!what.handles.empty())
      throw ferry::transfer_error("lines of text carry no handles: send what they stand for as bytes");
    const std::lock_guard lock(sending_);
    // A line that was begun goes first: half of one would make the next one unreadable.
    if (!send_rest(until)) return false;
    static constexpr std::string_view digits = "0123456789abcdef";
    rest_.reserve(2 * what.bytes.size() + 1);  // so that no half of a line is left behind
    for (const std::byte each : what.bytes) {
      rest_ += digits[std::to_integer<unsigned>(each) >> 4U];
      rest_ += digits[std::to_integer<unsigned>(each) & 15U];
    }
    rest_ += '\n';
    const std::size_t whole = rest_.size();
    if (!send_rest(until) && rest_.size() == whole) {
      rest_.clear();
      return false;
    }
    return true;
  }

  bool flush(ferry::deadline until) override {
    // Who has no time does not wait for the thread that sends.
    std::unique_lock lock(sending_, std::defer_lock);
    if (!until.is_immediate())
      lock.lock();
    else if (!lock.try_lock())
      return false;
    return send_rest(until);
  }

  std::optional<ferry::message> receive(const ferry::limits& limit, ferry::deadline until) override {
    for (;;) {
      const std::optional<std::string_view> part = next_part(until);
      if (!part) return std::nullopt;
      const bool is_last = part->back() == '\n';
      const std::string_view digits = part->substr(0, part->size() - (is_last ? 1 : 0));
      read_ += digits.size();
      // What passes the limit is counted and not kept: no peer decides how much memory this process takes.
      if (read_ / 2 <= limit.bytes) line_ += digits;
      if (!is_last) continue;
      const std::string line = std::exchange(line_, {});
      const std::size_t all = std::exchange(read_, 0);
      ferry::check_limits(all / 2, 0, limit);
      if (line.size() != all) throw ferry::limit_exceeded("a line passed the limit of an earlier call");
      return message_of(line);
    }
  }

  /// A line that was begun goes on meanwhile: else two ends that have both begun one would wait for each
  /// other.
  bool readable(ferry::deadline until) override {
    while (!flush(ferry::deadline::immediately()) && !until.expired())
      if (!ferry::wait({ferry::waitable(stream_)}, std::chrono::milliseconds(1)).empty()) return true;
    return !ferry::wait_until({ferry::waitable(stream_)}, until).empty();
  }
  ferry::handle_view wait_handle() const noexcept override { return stream_; }
  ferry::handle_view end() const override {
    throw ferry::transfer_error(
        "a connection over lines of text stays in its process: open it in the other one");
  }
  ferry::handle_carriage carriage() const noexcept override { return ferry::handle_carriage::none; }

 private:
  bool send_rest(ferry::deadline until) {
    while (!rest_.empty()) {
      const ssize_t sent = ::send(stream_.native(), rest_.data(), rest_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent >= 0)
        rest_.erase(0, static_cast<std::size_t>(sent));
      else if (errno == EPIPE || errno == ECONNRESET)
        throw ferry::end_of_stream("the other end of the line is closed");
      else if (errno != EAGAIN && errno != EINTR)
        throw ferry::system_error(std::error_code(errno, std::generic_category()), "send a line");
      else if (until.expired())
        return false;
      else
        pause(until);
    }
    return true;
  }

  /// There is no event in `ferry::wait` for room to send: a look now and then does.
  static void pause(ferry::deadline until) {
    ferry::wait({}, std::min<std::chrono::nanoseconds>(until.remaining(), std::chrono::milliseconds(1)));
  }

  /// The next bytes, up to the end of a line and no further. @returns nothing when the deadline has passed
  std::optional<std::string_view> next_part(ferry::deadline until) {
    for (;;) {
      const ssize_t seen = ::recv(stream_.native(), part_, sizeof part_, MSG_PEEK | MSG_DONTWAIT);
      if (seen == 0 && read_ != 0)
        throw ferry::truncated_message("the other end closed in the middle of a line");
      if (seen == 0) throw ferry::end_of_stream("the other end of the line is closed");
      if (seen > 0) {
        const std::string_view all(part_, static_cast<std::size_t>(seen));
        const std::size_t end = all.find('\n');
        const std::string_view mine = end == all.npos ? all : all.substr(0, end + 1);
        if (::recv(stream_.native(), part_, mine.size(), MSG_DONTWAIT) == static_cast<ssize_t>(mine.size()))
          return mine;
      } else if (errno == ECONNRESET) {
        throw ferry::end_of_stream("the other end of the line is closed");
      } else if (errno != EAGAIN && errno != EINTR) {
        throw ferry::system_error(std::error_code(errno, std::generic_category()), "receive a line");
      }
      if (seen < 0 && !readable(until)) return std::nullopt;
    }
  }

  static ferry::message message_of(std::string_view line) {
    ferry::buffer bytes;
    const auto value_of = [&](char digit) {
      if (digit >= '0' && digit <= '9') return digit - '0';
      if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
      throw ferry::archive_error(std::string("a line holds '") + digit + "', which is no hexadecimal digit");
    };
    if (line.size() % 2 != 0) throw ferry::archive_error("a line has an odd number of digits");
    for (std::size_t i = 0; i < line.size(); i += 2)
      bytes.append(static_cast<std::byte>(value_of(line[i]) * 16 + value_of(line[i + 1])));
    return ferry::message(std::move(bytes));
  }

  ferry::unique_handle stream_;
  std::mutex sending_;
  std::string rest_;      // of the line that is going out
  std::string line_;      // the line that is coming in, as far as it has come
  std::size_t read_ = 0;  // its digits so far, those that are not kept too
  char part_[4096];
};

ferry::conformance::ends make_ends() {
  int two[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, two) != 0)
    throw ferry::system_error(std::error_code(errno, std::generic_category()), "make a pair of sockets");
  return {ferry::connection(std::make_unique<line_driver>(ferry::unique_handle(two[0]))),
          ferry::connection(std::make_unique<line_driver>(ferry::unique_handle(two[1])))};
}

}  // namespace

int main() {
  auto [here, there] = make_ends();
  here.send(std::string("typed values go over lines of text"));
  std::printf("%s\n", there.recv<std::string>().c_str());

  int failed = 0;
  for (const ferry::conformance::driver_case& each : ferry::conformance::driver_cases()) {
    try {
      each.run(make_ends);
      std::printf("passed %s\n", std::string(each.name).c_str());
    } catch (const std::exception& problem) {
      std::printf("FAILED %s: %s\n", std::string(each.name).c_str(), problem.what());
      ++failed;
    }
  }
  return failed;
}
