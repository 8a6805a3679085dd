// The worker processes, and which of them has which file.
#include "crew.hpp"

#include <ferry/error.hpp>

#include "worker.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace digest {

namespace {

// One to work on, and one so that the worker need not wait for the parent.
constexpr std::size_t at_once = 2;
constexpr int attempts = 2;

std::string cause_of_death(const ferry::exit_status& status) {
  const bool killed = status.is == ferry::exit_status::state::killed;
  return (killed ? "was killed by signal " : "exited with code ") + std::to_string(status.code);
}

}  // namespace

crew::crew(std::size_t size, ferry::start_method method)
    : options_{.name = "digest worker", .context = ferry::context{.method = method}} {
  while (workers_.size() < size) workers_.push_back(start_worker());
}

crew::worker crew::start_worker() const {
  auto [here, there] = ferry::pipe();
  return {ferry::process(options_, ferry::fn<&work>, std::move(there)), std::move(here), {}};
}

void crew::digest(const std::vector<std::filesystem::path>& files, const receiver& receive) {
  files_ = &files;
  receive_ = &receive;
  next_ = 0;
  for (hand_out(); busy(); hand_out()) {
    const ferry::wait_result ready = ferry::wait(channels());
    for (worker& each : workers_) {
      if (ready.contains(each.channel)) hear(each);
    }
  }
}

// The end of a worker is told by its channel too, and there it comes after all that the worker has said.
std::vector<ferry::waitable> crew::channels() {
  std::vector<ferry::waitable> all;
  for (worker& each : workers_) all.push_back(each.channel);
  return all;
}

bool crew::busy() const {
  return std::ranges::any_of(workers_, [](const worker& each) { return !each.in_hand.empty(); });
}

void crew::hand_out() {
  // Everyone gets a first file before anyone gets a second.
  for (std::size_t share = 1; share <= at_once; ++share) {
    for (worker& each : workers_) {
      if (each.in_hand.size() >= share) continue;
      std::optional<job> job = next_job();
      if (!job) return;
      each.in_hand.push_back(std::move(*job));
      try {
        each.channel.send(each.in_hand.back());
      } catch (const ferry::end_of_stream&) {
        // It is dead. What it said before is still to be heard; `hear` comes to the end then.
      }
    }
  }
}

std::optional<job> crew::next_job() {
  if (!given_back_.empty()) {
    job again = std::move(given_back_.front());
    given_back_.pop_front();
    return again;
  }
  while (next_ < files_->size()) {
    const std::size_t number = next_++;
    const std::filesystem::path& path = (*files_)[number];
    try {
      return job{number, path, ferry::file::open(path)};
    } catch (const ferry::system_error& error) {
      (*receive_)({number, {}, error.code().message()});
    }
  }
  return std::nullopt;
}

void crew::hear(worker& from) {
  try {
    const auto answer = from.channel.recv<result>();
    from.in_hand.pop_front();
    (*receive_)(answer);
  } catch (const ferry::end_of_stream&) {
    replace(from);
  }
}

void crew::replace(worker& dead) {
  dead.process.join();
  std::deque<job> back = std::move(dead.in_hand);
  if (!back.empty()) {
    job& tried = back.front();
    if (++tried.failures == attempts) {
      const std::string cause = cause_of_death(dead.process.status());
      (*receive_)({tried.number, {}, "two workers died over it; the second " + cause});
      back.pop_front();
    } else {
      tried.content.seek(0);  // the worker had the same open file, and moved its position
    }
  }
  std::ranges::move(back, std::back_inserter(given_back_));
  dead = start_worker();
}

}  // namespace digest
