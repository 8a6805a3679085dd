// SPDX-License-Identifier: BSL-1.0
// A custom type with live parts: an open file, shared memory and plain data. It gets a reducer once, and then
// goes among the arguments of a process, through a pipe and a queue, to the workers of a pool and back, and
// inside containers, without another line.
#include <ferry/ferry.hpp>

#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace {

class recording {
 public:
  recording(std::string title, ferry::file log, ferry::shared_array<int> samples)
      : title_(std::move(title)), log_(std::move(log)), samples_(std::move(samples)) {}

  void amplify(int factor) {
    for (int& sample : samples_) sample *= factor;
    log_.write(title_ + " is " + std::to_string(factor) + " times as loud\n");
  }
  int loudest() const { return *std::ranges::max_element(samples_); }

 private:
  friend struct ferry::reducer<recording>;

  std::string title_;
  ferry::file log_;
  ferry::shared_array<int> samples_;
};

}  // namespace

template <>
struct ferry::reducer<recording> {
  static constexpr std::string_view name = "scenario.recording";
  static auto reduce(const recording& r) { return std::tie(r.title_, r.log_, r.samples_); }
  static recording rebuild(std::string title, ferry::file log, ferry::shared_array<int> samples) {
    return {std::move(title), std::move(log), std::move(samples)};
  }
};

namespace {

void studio(recording first, ferry::connection parent) {
  first.amplify(2);
  auto more = parent.recv<std::map<std::string, recording>>();
  more.at("second").amplify(3);
  parent.send(std::move(more));
}

/// A task of a pool: gets a recording, and gives it back.
recording remaster(recording old) {
  old.amplify(4);
  return old;
}

recording record(const std::string& title, const std::array<int, 3>& samples) {
  // The log is the standard output: a file is any handle of bytes.
  return {title, ferry::file::adopt(ferry::duplicate(ferry::handle_view(1))),
          ferry::shared_array<int>(samples)};
}

}  // namespace

int main(int argc, char** argv) {
  ferry::init(argc, argv);
  const recording first = record("The first recording", {1, 5, 2});
  std::map<std::string, recording> others;
  others.emplace("second", record("The second recording", {4, 7, 6}));

  auto [here, there] = ferry::pipe();
  ferry::process child(ferry::fn<&studio>, first, std::move(there));
  here.send(others);
  const auto returned = here.recv<std::map<std::string, recording>>();
  child.join();

  ferry::queue<recording> queue;
  queue.put(record("The third recording", {2, 3, 1}));
  ferry::pool pool(1);
  const recording remastered = pool.apply(ferry::fn<&remaster>, queue.get());

  // Nothing was copied: what the other process did to the samples is seen here, in every copy of the type.
  std::cout << "loudest: " << first.loudest() << " and " << others.at("second").loudest() << " and "
            << returned.at("second").loudest() << ", and then " << remastered.loudest() << '\n';
}
