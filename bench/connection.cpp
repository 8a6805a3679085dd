// SPDX-License-Identifier: BSL-1.0
// Connections beside the bare socket they stand on, and beside CPython's Pipe.
#include <ferry/connection.hpp>

#include "support/crew.hpp"
#include "support/report.hpp"
#include "support/socket_pair.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

using bench::fail, bench::socket_pair;

namespace {

constexpr std::size_t small = 64, large = std::size_t{1} << 20U;
constexpr int round_trips = 5'000, large_messages = 1'000, runs = 9;

/// Runs `work` in a forked child for as long as the measuring lasts.
class peer {
 public:
  explicit peer(const std::function<void()>& work) : child_(::fork()) {
    if (child_ < 0) fail("fork");
    if (child_ != 0) return;
    try {
      work();
    } catch (const ferry::end_of_stream&) {
    }
    ::_exit(0);
  }
  ~peer() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;

 private:
  pid_t child_;
};

void send_all(int to, const std::vector<std::byte>& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t more = ::send(to, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (more < 0) fail("send");
    sent += static_cast<std::size_t>(more);
  }
}

bool receive_all(int from, std::vector<std::byte>& bytes) {
  return ::recv(from, bytes.data(), bytes.size(), MSG_WAITALL) == static_cast<ssize_t>(bytes.size());
}

/// One way of going to and fro with a peer. Several are measured in turn, run by run, so that what else the
/// machine does falls on all of them alike.
class ping_pong {
 public:
  virtual ~ping_pong() = default;
  virtual void round_trip() = 0;

  void measure() {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < round_trips; ++i) round_trip();
    const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - start;
    microseconds_.push_back(time.count() / round_trips);
  }
  double median() {
    std::sort(microseconds_.begin(), microseconds_.end());
    return microseconds_[microseconds_.size() / 2];
  }

 private:
  std::vector<double> microseconds_;
};

class bare_ping_pong final : public ping_pong {
 public:
  bare_ping_pong()
      : ends_(socket_pair(SOCK_SEQPACKET)), echo_([this] {
          ::close(ends_[0]);
          std::vector<std::byte> block(small);
          while (receive_all(ends_[1], block)) send_all(ends_[1], block);
        }) {
    ::close(ends_[1]);
  }
  ~bare_ping_pong() override { ::close(ends_[0]); }
  void round_trip() override {
    send_all(ends_[0], bytes_);
    if (!receive_all(ends_[0], bytes_)) fail("recv");
  }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(small);
  std::array<int, 2> ends_;
  peer echo_;
};

/// `Bounce` has static functions `to` and `fro` of a connection.
template <class Bounce>
class ferry_ping_pong final : public ping_pong {
 public:
  ferry_ping_pong()
      : ends_(ferry::pipe()), echo_([this] {
          ends_.first.close();
          for (;;) Bounce::fro(ends_.second);
        }) {
    ends_.second.close();
  }
  ~ferry_ping_pong() override { ends_.first.close(); }
  void round_trip() override { Bounce::to(ends_.first); }

 private:
  std::pair<ferry::connection, ferry::connection> ends_;
  peer echo_;
};

struct bounce_bytes {
  static void to(ferry::connection& end) {
    std::array<std::byte, small> bytes{};
    end.send_bytes(bytes);
    end.recv_bytes_into(bytes);
  }
  static void fro(ferry::connection& end) {
    std::array<std::byte, small> bytes{};
    end.recv_bytes_into(bytes);
    end.send_bytes(bytes);
  }
};

struct bounce_value {
  using block = std::array<std::uint64_t, small / 8>;
  static void to(ferry::connection& end) {
    end.send(block{});
    end.recv<block>();
  }
  static void fro(ferry::connection& end) { end.send(end.recv<block>()); }
};

double gigabytes_per_second(double seconds) {
  return static_cast<double>(large) * large_messages / seconds / 1e9;
}

/// Large messages one way; the reader says when it has them all.
double bare_throughput() {
  const auto [here, there] = socket_pair(SOCK_STREAM);
  const std::vector<std::byte> bytes(large, std::byte{1});
  double seconds = 0;
  {
    const peer reader([end = there, other = here] {
      ::close(other);
      std::vector<std::byte> block(large), done(1);
      for (;;) {
        for (int i = 0; i < large_messages; ++i) {
          if (!receive_all(end, block)) return;
        }
        send_all(end, done);
      }
    });
    ::close(there);
    seconds = bench::median_seconds(runs, [&, end = here] {
      std::vector<std::byte> done(1);
      for (int i = 0; i < large_messages; ++i) send_all(end, bytes);
      if (!receive_all(end, done)) fail("recv");
    });
    ::close(here);
  }
  return gigabytes_per_second(seconds);
}

template <class Send, class Receive>
double throughput(Send send, Receive receive) {
  auto [here, there] = ferry::pipe();
  double seconds = 0;
  {
    const peer reader([&end = there, &other = here, receive]() mutable {
      other.close();
      for (;;) {
        for (int i = 0; i < large_messages; ++i) receive(end);
        end.send_bytes({});
      }
    });
    there.close();
    seconds = bench::median_seconds(runs, [&end = here, send] {
      for (int i = 0; i < large_messages; ++i) send(end);
      end.recv_bytes();
    });
    here.close();
  }
  return gigabytes_per_second(seconds);
}

/// The figure that a Python program prints: microseconds of a round trip, and gigabytes per second.
std::pair<double, double> python_pipe() {
  const std::string program =
      "python3 -c '\n"
      "import os, time\n"
      "from multiprocessing import Pipe\n"
      "def best(work, n):\n"
      "    times = []\n"
      "    for _ in range(5):\n"
      "        start = time.perf_counter(); work(n); times.append((time.perf_counter() - start) / n)\n"
      "    return sorted(times)[2]\n"
      "here, there = Pipe()\n"
      "if os.fork() == 0:\n"
      "    here.close()\n"
      "    try:\n"
      "        while True:\n"
      "            got = there.recv_bytes()\n"
      "            if len(got) < 1000: there.send_bytes(got)\n"
      "    except EOFError: os._exit(0)\n"
      "there.close()\n"
      "small, large = bytes(64), bytes(1 << 20)\n"
      "def bounce(n):\n"
      "    for _ in range(n): here.send_bytes(small); here.recv_bytes()\n"
      "def pour(n):\n"
      "    for _ in range(n): here.send_bytes(large)\n"
      "    here.send_bytes(small); here.recv_bytes()\n"
      "print(best(bounce, 10000) * 1e6, (1 << 20) / best(pour, 300) / 1e9)\n"
      "'";
  std::FILE* const out = ::popen(program.c_str(), "r");
  if (out == nullptr) fail("python3");
  double microseconds = 0, gigabytes = 0;
  if (std::fscanf(out, "%lf %lf", &microseconds, &gigabytes) != 2) fail("python3");
  ::pclose(out);
  return {microseconds, gigabytes};
}

}  // namespace

int main() {
  const auto [python_round_trip, python_throughput] = python_pipe();

  double bare = 0, raw = 0, typed = 0;
  {
    bare_ping_pong over_socket;
    ferry_ping_pong<bounce_bytes> of_bytes;
    ferry_ping_pong<bounce_value> of_values;
    const std::array<ping_pong*, 3> all{&over_socket, &of_bytes, &of_values};
    for (int run = 0; run < 2 * runs; ++run) {
      for (ping_pong* const each : all) each->measure();
    }
    bare = over_socket.median();
    raw = of_bytes.median();
    typed = of_values.median();
  }
  bench::row("connection", "round trip, 64 B", "µs", raw, "bare socket", bare);
  bench::row("connection", "round trip, 64 B", "µs", raw, "CPython Pipe", python_round_trip);
  bench::row("connection", "round trip, a value of 64 B", "µs", typed, "bare socket", bare);

  const double bare_rate = bare_throughput();
  const std::vector<std::byte> much(large, std::byte{1});
  const auto send_bytes = [&much](ferry::connection& end) { end.send_bytes(much); };
  const double copied = throughput(
      send_bytes,
      [into = std::vector<std::byte>(large)](ferry::connection& end) mutable { end.recv_bytes_into(into); });
  const double in_place = throughput(send_bytes, [](ferry::connection& end) { end.recv_message(); });
  const std::vector<double> values(large / sizeof(double), 1.0);
  const double value_rate = throughput([&values](ferry::connection& end) { end.send(values); },
                                       [](ferry::connection& end) { end.recv<std::vector<double>>(); });
  bench::row("connection", "one way, 1 MiB, into the reader's memory", "GB/s", copied, "bare socket",
             bare_rate);
  bench::row("connection", "one way, 1 MiB, read in place", "GB/s", in_place, "bare socket", bare_rate);
  bench::row("connection", "one way, a vector<double> of 1 MiB", "GB/s", value_rate, "bare socket",
             bare_rate);
  bench::row("connection", "one way, 1 MiB, into the reader's memory", "GB/s", copied, "CPython Pipe",
             python_throughput);
}
