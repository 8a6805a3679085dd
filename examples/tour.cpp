// SPDX-License-Identifier: BSL-1.0
// A short tour: what crosses between two processes, what must not, and what is refused.
#include <ferry/ferry.hpp>

#include <atomic>
#include <iostream>
#include <regex>
#include <string>
#include <vector>

namespace tour {

/// A type of some other library: it knows nothing of Ferry, and its members are its own business.
class pattern {
 public:
  explicit pattern(const std::string& text) : text_(text), machine_(text) {}
  const std::string& text() const { return text_; }
  bool fits(const std::string& word) const { return std::regex_match(word, machine_); }

 private:
  std::string text_;
  std::regex machine_;
};

/// Counts in shared memory. Like a mutex or a queue it is guarded: meant for the children one starts.
struct turnstile {
  ferry::shared_value<std::atomic<int>> count;
};

}  // namespace tour

template <>
inline constexpr bool ferry::registered_at_run_time<tour::pattern> = true;

template <>
struct ferry::reducer<tour::turnstile> {
  static constexpr std::string_view name = "tour.turnstile";
  static constexpr bool guarded = true;
  static auto reduce(const tour::turnstile& t) { return std::tie(t.count); }
  static tour::turnstile rebuild(ferry::shared_value<std::atomic<int>> count) { return {std::move(count)}; }
};

namespace {

using tour::pattern, tour::turnstile;

/// The other process. What it needs arrives through its connection, one thing after the other.
void companion(ferry::connection from_parent) {
  const auto words = from_parent.recv<pattern>();
  from_parent.send(words.fits("ferry") && !words.fits("train"));

  auto side_channel = from_parent.recv<ferry::connection>();
  side_channel.send("hello from the side");

  const auto entrance = from_parent.recv<turnstile>();
  ++*entrance.count;
  from_parent.send("passed");
}

/// Sends a list of words as someone would who wants to crash the receiver: with a length that is not true.
void send_hostile(ferry::connection& to) {
  const ferry::message good = ferry::dumps(std::vector<std::string>{"all", "is", "well"});
  std::vector<std::byte> bytes(good.bytes().begin(), good.bytes().end());
  const std::size_t length_of_last = bytes.size() - std::string_view("well").size() - 1;
  bytes[length_of_last] = std::byte{100};
  to.send_bytes(bytes);
}

}  // namespace

int main(int argc, char** argv) {
  ferry::dispatch_table::global().add<pattern>(
      "tour.pattern", [](const pattern& p) { return std::tuple(p.text()); },
      [](const std::string& text) { return pattern(text); });
  ferry::init(argc, argv);

  auto [here, there] = ferry::pipe();
  ferry::process child(ferry::fn<&companion>, std::move(there));

  std::cout << "A custom type, taught to cross by a reducer that is registered while the program runs:\n";
  here.send(pattern("f[er]+y"));
  std::cout << "  the other process matches words with it: " << std::boolalpha << here.recv<bool>() << "\n\n";

  std::cout << "A connection, sent through a connection:\n";
  auto [near_end, far_end] = ferry::pipe();
  here.send(far_end);
  std::cout << "  " << near_end.recv<std::string>() << "\n\n";

  std::cout << "A guarded object, sent to a process that is running already:\n";
  const turnstile entrance{ferry::shared_value<std::atomic<int>>(0)};
  try {
    here.send(entrance);
  } catch (const ferry::spawning_error& refusal) {
    std::cout << "  refused: " << refusal.what() << "\n\n";
  }

  std::cout << "The same object, in duplicate mode:\n";
  here.options().mode = ferry::transfer::duplicate;
  here.send(entrance);
  std::cout << "  " << here.recv<std::string>() << ", and the count that both share is " << *entrance.count
            << "\n\n";
  child.join();

  std::cout << "A hostile message:\n";
  auto [receiver, stranger] = ferry::pipe();
  send_hostile(stranger);
  try {
    receiver.recv<std::vector<std::string>>();
  } catch (const ferry::archive_error& refusal) {
    std::cout << "  refused: " << refusal.what() << '\n';
  }
  stranger.send("no harm done");
  std::cout << "  and then: " << receiver.recv<std::string>() << '\n';
}
