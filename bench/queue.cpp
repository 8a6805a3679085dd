// SPDX-License-Identifier: BSL-1.0
// Queues beside a ring with nothing but its speed, the system's own means, and other libraries.
#include <ferry/queue.hpp>
#include <ferry/simple_queue.hpp>

#include "support/contest.hpp"
#include "support/crew.hpp"
#include "support/peers/messaging.hpp"
#include "support/peers/open_mpi.hpp"
#include "support/report.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <sched.h>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t small = 64, large = std::size_t{1} << 20U;
constexpr int runs = 5;

using block = std::array<std::uint64_t, small / 8>;
using bytes = std::vector<std::byte>;

/// A queue of Ferry behind the shape of the others; `Queue` holds blocks.
template <class Queue>
class values {
 public:
  template <class... Args>
  explicit values(Args&&... args) : queue_(std::forward<Args>(args)...) {}
  void put(const bytes&) { queue_.put(block{}); }
  void get(bytes&) { queue_.get(); }

 private:
  Queue queue_;
};
template <class Queue>
class large_values {
 public:
  template <class... Args>
  explicit large_values(Args&&... args) : queue_(std::forward<Args>(args)...) {}
  void put(const bytes& what) { queue_.put(what); }
  void get(bytes& into) { into = queue_.get(); }

 private:
  Queue queue_;
};

template <class Channel>
void finish(Channel& channel) {
  if constexpr (requires { channel.finish(); }) channel.finish();
}

/// `count` blocks from some producers to some consumers.
template <class Channel>
void flow(Channel& channel, std::size_t size, std::size_t count, std::size_t sides) {
  bench::crew all;
  for (std::size_t i = 0; i < sides; ++i) {
    all.add([&] {
      bytes into(size);
      for (std::size_t taken = 0; taken < count / sides; ++taken) channel.get(into);
    });
    all.add([&] {
      const bytes what(size, std::byte{1});
      for (std::size_t put = 0; put < count / sides; ++put) channel.put(what);
      finish(channel);
    });
  }
  all.wait();
}

template <class Channel>
bench::contestant flowing(std::string name, std::shared_ptr<Channel> channel, std::size_t size,
                          std::size_t count, std::size_t sides = 1) {
  return {std::move(name), [=] { flow(*channel, size, count, sides); }, count};
}

/// There and back; with a pause, the other side has fallen asleep each time, and only the trips are timed.
template <class Channel>
class bouncing {
 public:
  explicit bouncing(std::size_t trips, std::chrono::microseconds pause) : trips_(trips), pause_(pause) {}
  template <class... Args>
  bench::contestant contestant(std::string name, Args&&... args) {
    auto to = std::make_shared<Channel>(args...), fro = std::make_shared<Channel>(args...);
    return {std::move(name),
            [=, trips = trips_, pause = pause_] {
              bench::crew other;
              other.add([&] {
                bytes what(small);
                for (std::size_t i = 0; i < trips; ++i) {
                  to->get(what);
                  fro->put(what);
                }
              });
              bytes what(small);
              for (std::size_t i = 0; i < trips; ++i) {
                if (pause.count() != 0) std::this_thread::sleep_for(pause);
                to->put(what);
                fro->get(what);
              }
              other.wait();
            },
            trips_};
  }

 private:
  std::size_t trips_;
  std::chrono::microseconds pause_;
};

/// Bare words, to and fro. How far its taker has come is shared too: that is a new process in each run.
template <int Spins>
class bare_word {
 public:
  void put(const bytes&) { word_->store(word_->value.load(std::memory_order_relaxed) + 1); }
  void get(bytes&) {
    const std::uint64_t awaited = ++*seen_;
    word_->wait_until([&] { return word_->value.load() >= awaited; }, Spins);
  }

 private:
  bench::shared<bench::sleeping_word> word_;
  bench::shared<std::uint64_t> seen_;
};

void report(const char* what, const char* unit, std::vector<bench::contestant> all, double per_second) {
  bench::measure_in_turn(all, runs);
  const auto figure = [&](bench::contestant& each) {
    return per_second != 0 ? per_second / each.median() : each.median() * 1e6;
  };
  const double ferry = figure(all.front());
  for (std::size_t i = 1; i < all.size(); ++i)
    bench::row("queue", what, unit, ferry, all[i].name, figure(all[i]));
}

/// Items a second of CPython, by name of queue and number of producers and consumers; bytes a second of
/// large.
std::map<std::string, double> by_python() {
  const std::string command =
      "cd \"$(mktemp -d)\" && trap 'rm -rf \"$PWD\"' EXIT && cat > measured.py <<'E' && python3 measured.py\n"
      "import multiprocessing, time\n"
      "context = multiprocessing.get_context('fork')\n"
      "def put(queue, item, count):\n"
      "    for _ in range(count): queue.put(item)\n"
      "def take(queue, count):\n"
      "    for _ in range(count): queue.get()\n"
      "def rate(queue, item, count, sides):\n"
      "    start = time.perf_counter()\n"
      "    all = [context.Process(target=work, args=(queue, *args)) for _ in range(sides)\n"
      "           for work, *args in ((put, item, count // sides), (take, count // sides))]\n"
      "    for each in all: each.start()\n"
      "    for each in all: each.join()\n"
      "    return count / (time.perf_counter() - start)\n"
      "for kind in ('Queue', 'SimpleQueue'):\n"
      "    make = getattr(context, kind)\n"
      "    print(kind + '1', rate(make(), bytes(64), 30000, 1))\n"
      "    print(kind + '2', rate(make(), bytes(64), 30000, 2))\n"
      "    print(kind + 'Large', rate(make(), bytes(1 << 20), 100, 1) * (1 << 20))\n"
      "E\n";
  std::map<std::string, double> found;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 32> name{};
  double rate = 0;
  while (std::fscanf(output.get(), "%31s %lf", name.data(), &rate) == 2) found[name.data()] = rate;
  return found;
}

/// What was measured before, in programs of their own.
struct known_rates {
  std::map<std::string, double> python = by_python();
  std::map<std::string, double> mpi = bench::open_mpi::measure();

  void add_python(std::vector<bench::contestant>& to, const std::string& kind, const char* which,
                  double factor = 1) const {
    const auto found = python.find(kind + which);
    if (found != python.end()) add(to, "CPython " + kind, factor / found->second);
  }
  void add_mpi(std::vector<bench::contestant>& to, const char* which) const {
    const auto found = mpi.find(which);
    if (found != mpi.end()) add(to, "Open MPI, shared memory", found->second);
  }

 private:
  static void add(std::vector<bench::contestant>& to, std::string name, double seconds) {
    bench::contestant known{std::move(name), [] {}, 1};
    known.seconds.assign(1000, seconds);
    to.push_back(std::move(known));
  }
};

void small_items(const known_rates& rates) {
  using queue = values<ferry::queue<block>>;
  const ferry::queue_options bounded{.max_items = 4096};
  constexpr std::size_t many = 500'000, some = 100'000;
  std::vector<bench::contestant> all{
      flowing("ferry", std::make_shared<queue>(bounded), small, many),
      flowing("ring of one producer and one consumer",
              std::make_shared<bench::reference_queue<(std::size_t{1} << 20U)>>(), small, many),
      flowing("Boost message_queue", std::make_shared<bench::boost_queue>(4096, small), small, many),
      flowing("SEQPACKET socket", std::make_shared<bench::packet_socket>(), small, some)};
  if (const auto* const zeromq = bench::zeromq_library::find()) {
    // A new one each time: its processes make their ends anew.
    all.push_back({"ZeroMQ ipc",
                   [zeromq] {
                     bench::zeromq_ipc channel(*zeromq);
                     flow(channel, small, some, 1);
                   },
                   some});
  } else {
    std::fputs("bench: without ZeroMQ: there is no libzmq.so.5\n", stderr);
  }
  rates.add_mpi(all, "one way");
  for (const char* kind : {"Queue", "SimpleQueue"}) rates.add_python(all, kind, "1");
  report("64 B, one producer and one consumer", "million/s", std::move(all), 1e-6);

  all = {flowing("ferry", std::make_shared<queue>(bounded), small, many, 2),
         flowing("Boost message_queue", std::make_shared<bench::boost_queue>(4096, small), small, some, 2),
         flowing("SEQPACKET socket", std::make_shared<bench::packet_socket>(), small, some, 2)};
  for (const char* kind : {"Queue", "SimpleQueue"}) rates.add_python(all, kind, "2");
  report("64 B, two producers and two consumers", "million/s", std::move(all), 1e-6);

  all = {flowing("ferry", std::make_shared<values<ferry::simple_queue<block>>>(), small, some),
         flowing("SEQPACKET socket", std::make_shared<bench::packet_socket>(), small, some)};
  rates.add_python(all, "SimpleQueue", "1");
  report("simple_queue, 64 B, one producer and one consumer", "million/s", std::move(all), 1e-6);
}

void large_items(const known_rates& rates) {
  constexpr std::size_t count = 300;
  const ferry::queue_options bounded{.max_bytes = 8 * large};
  std::vector<bench::contestant> all{
      flowing("ferry", std::make_shared<large_values<ferry::queue<bytes>>>(bounded), large, count),
      flowing("ring of one producer and one consumer", std::make_shared<bench::reference_queue<8 * large>>(),
              large, count),
      flowing("Boost message_queue", std::make_shared<bench::boost_queue>(7, large), large, count)};
  rates.add_mpi(all, "large");
  for (const char* kind : {"Queue", "SimpleQueue"}) rates.add_python(all, kind, "Large", large);
  report("items of 1 MiB", "GB/s", all, large / 1e9);
  all = {flowing("ferry", std::make_shared<large_values<ferry::simple_queue<bytes>>>(), large, count),
         flowing("ring of one producer and one consumer",
                 std::make_shared<bench::reference_queue<8 * large>>(), large, count)};
  report("simple_queue, items of 1 MiB", "GB/s", all, large / 1e9);
}

void round_trips(const known_rates& rates) {
  using std::chrono::microseconds;
  using queue = values<ferry::queue<block>>;
  constexpr std::size_t busy = 20'000, asleep = 300;
  const ferry::queue_options unbounded{};
  std::vector<bench::contestant> all{
      bouncing<queue>(busy, {}).contestant("ferry", unbounded),
      bouncing<bench::reference_queue<(1U << 20U)>>(busy, {}).contestant(
          "ring of one producer and one consumer"),
      bouncing<bare_word<bench::spins_before_sleep>>(busy, {}).contestant("bare word, spin then futex"),
      bouncing<bench::boost_queue>(busy, {}).contestant("Boost message_queue", 16, small)};
  rates.add_mpi(all, "round trip");
  report("round trip, 64 B, busy", "µs", std::move(all), 0);
  constexpr microseconds pause(500);
  // The pauses themselves are alike for all.
  all = {bouncing<queue>(asleep, pause).contestant("ferry", unbounded),
         bouncing<bare_word<0>>(asleep, pause).contestant("bare futex"),
         bouncing<bench::packet_socket>(asleep, pause).contestant("SEQPACKET socket"),
         bouncing<bench::boost_queue>(asleep, pause).contestant("Boost message_queue", 16, small)};
  report("round trip, 64 B, after 0.5 ms of sleep, which is part of it", "µs", std::move(all), 0);
}

void on_one_processor() {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(0, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

double processor_microseconds(const rusage& used) {
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/// Consumers that wait for what one producer puts, all on one processor. Their start is not measured.
class crowd {
 public:
  explicit crowd(std::size_t consumers) {
    for (std::size_t i = 0; i < consumers; ++i) {
      consumers_.add([this] {
        on_one_processor();
        for (;;) queue_.get();
      });
    }
  }
  void produce() {
    bench::crew one;
    one.add([&] {
      on_one_processor();
      for (std::size_t i = 0; i < count; ++i) queue_.put(block{});
    });
    processor_times_.push_back(processor_microseconds(one.wait()) * 1e3 / count);
  }
  /// Nanoseconds of the producer's processor time for each item, at the median.
  double put_time() { return bench::median(processor_times_); }
  static constexpr std::size_t count = 500'000;

 private:
  ferry::queue<block> queue_{{.max_items = 1024}};
  bench::crew consumers_;
  std::vector<double> processor_times_;
};

void waiting() {
  using namespace std::chrono_literals;
  crowd four(4), one(1);
  report("64 B, one producer, four waiting consumers, one processor", "million/s",
         {{"ferry", [&] { four.produce(); }, crowd::count},
          {"the same with one consumer", [&] { one.produce(); }, crowd::count}},
         1e-6);
  bench::row("queue", "processor time of a put beside four waiting consumers, one processor", "ns",
             four.put_time(), "beside one", one.put_time());

  const auto time_used = [](auto wait) {
    bench::crew waiter;
    waiter.add(wait);
    return processor_microseconds(waiter.wait());
  };
  ferry::queue<block> empty;
  const double waits = time_used([&] { empty.get_for(1s); });
  const double sleeps = time_used([] { std::this_thread::sleep_for(1s); });
  bench::row("queue", "processor time of a process that waits for a second", "µs", waits,
             "one that sleeps, start and end of the process included in both", sleeps);
}

void memory() {
  const auto used_by = [](std::size_t count) {
    ferry::queue<block> queue({.max_items = 1024});
    bench::crew both;
    both.add([&] {
      for (std::size_t i = 0; i < count; ++i) queue.get();
    });
    both.add([&] {
      for (std::size_t i = 0; i < count; ++i) queue.put(block{});
    });
    return static_cast<double>(both.wait().ru_maxrss);
  };
  const double at_first = used_by(10'000), in_the_end = used_by(10'000'000);
  bench::row("queue", "memory of producer and consumer over 10 million items", "KiB", in_the_end,
             "over 10 thousand", at_first);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && argv[1] == std::string_view(bench::open_mpi::argument))
    return bench::open_mpi::run(argc, argv);
  const known_rates rates;
  small_items(rates);
  large_items(rates);
  round_trips(rates);
  waiting();
  memory();
}
