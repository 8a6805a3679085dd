// SPDX-License-Identifier: BSL-1.0
// A pool whose workers are reached over connections: the skeleton of workers on other machines.
//
// Each worker is a process with two pipes, one for records and one for answers. The pool knows nothing of
// that: it hands over messages, and gets messages. The engine is tried by the tests that every engine has to
// pass.
#include <ferry/connection.hpp>
#include <ferry/driver.hpp>
#include <ferry/engine.hpp>
#include <ferry/engine_conformance.hpp>
#include <ferry/error.hpp>
#include <ferry/fn.hpp>
#include <ferry/init.hpp>
#include <ferry/pool.hpp>
#include <ferry/process.hpp>
#include <ferry/shared_array.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace piped {

/// In memory that both sides have: what the worker does, also when it has died of it.
using words = ferry::shared_array<std::atomic<std::uint64_t>>;
constexpr std::size_t ready = 0, run = 1, item = 2, begun_at = 3, taken = 4, word_count = 5;

/// All that a worker gets when it starts.
struct seat {
  ferry::connection records, answers;
  words progress;
  ferry::unique_handle bell_memory, bell_event;
  ferry::archive_options archive;
  std::size_t max_memory = 0;
  ferry::message initializer;
};

/// The worker's end.
class endpoint final : public ferry::worker_endpoint {
 public:
  explicit endpoint(seat& of)
      : records_(std::move(of.records)),
        answers_(std::move(of.answers)),
        progress_(of.progress),
        bell_(std::move(of.bell_memory), std::move(of.bell_event)) {}

  bool next(ferry::message& into) override {
    try {
      into = records_.recv_message();
      ++progress_[taken];
      return true;
    } catch (const ferry::end_of_stream&) {  // the pool has closed its end: there will be no more
      return false;
    } catch (...) {  // a record for which there is no room here is gone from the pipe
      ++progress_[taken];
      throw;
    }
  }
  ferry::progress_words notes() noexcept override {
    return {progress_[ready], progress_[run], progress_[item], progress_[begun_at]};
  }
  void answer(const ferry::message_view& what) override {
    answers_.carrier().send(what, ferry::deadline::never());
    bell_.ring();
  }

 private:
  ferry::connection records_, answers_;
  words progress_;
  ferry::doorbell bell_;
};

void live(seat mine) {
  ferry::worker_setup setup;
  setup.archive = mine.archive;
  setup.max_memory = mine.max_memory;
  setup.initializer = std::move(mine.initializer);
  endpoint end(mine);
  ferry::serve_pool(end, std::move(setup));
}

/// The pool's end.
class worker final : public ferry::worker_link {
 public:
  worker(ferry::worker_setup setup, const ferry::doorbell& bell) : progress_(word_count) {
    auto [records_in, records_out] = ferry::pipe(false);
    auto [answers_in, answers_out] = ferry::pipe(false);
    records_ = std::move(records_out);
    answers_ = std::move(answers_in);
    const seat given{.records = std::move(records_in),
                     .answers = std::move(answers_out),
                     .progress = progress_,
                     .bell_memory = ferry::duplicate(bell.memory()),
                     .bell_event = ferry::duplicate(bell.event()),
                     .archive = setup.archive,
                     .max_memory = setup.max_memory,
                     .initializer = std::move(setup.initializer)};
    process_ = ferry::process({.name = setup.name, .daemon = true}, ferry::fn<&live>, given);
  }

  bool send(const ferry::message_view& record) override {
    const bool sent = records_.carrier().send(record, ferry::deadline::immediately());
    if (sent) ++sent_;
    return sent;
  }
  /// What is in a pipe cannot be had back, unless the worker has ended: then it has not taken it.
  std::optional<std::size_t> recall(std::size_t) override {
    if (!process_.status().ended()) return 0;
    return std::exchange(sent_, progress_[taken]) - progress_[taken];
  }
  void finish() override { records_.close(); }
  bool receive(ferry::message& into, const ferry::limits& most) override {
    try {
      std::optional<ferry::message> came = answers_.carrier().receive(most, ferry::deadline::immediately());
      if (came) into = std::move(*came);
      return came.has_value();
    } catch (const ferry::end_of_stream&) {  // it has ended, which `ended` tells
      return false;
    }
  }
  ferry::worker_progress progress() const noexcept override {
    return {.ready = progress_[ready] != 0,
            .run = progress_[run],
            .item = static_cast<std::uint32_t>(progress_[item]),
            .begun_at = progress_[begun_at]};
  }

  void terminate() noexcept override { signal(&ferry::process::terminate); }
  void kill() noexcept override { signal(&ferry::process::kill); }
  ferry::native_handle_type native_handle() const override { return process_.native_handle(); }
  std::optional<ferry::worker_end> ended() override {
    const ferry::exit_status status = process_.status();
    if (!status.ended()) return std::nullopt;
    ferry::worker_end end{.code = status.code};
    if (status.is == ferry::exit_status::state::killed) end.how = ferry::worker_end::kind::killed;
    if (status.is != ferry::exit_status::state::exited) return end;
    end.how = ferry::worker_end::kind::exited;
    try {
      process_.join(ferry::rethrow);
    } catch (...) {
      end.thrown = std::current_exception();
    }
    return end;
  }
  std::int64_t pid() const noexcept override { return process_.pid(); }

 private:
  void signal(void (ferry::process::*how)() const) noexcept {
    try {
      (process_.*how)();
    } catch (const ferry::error&) {  // it has ended
    }
  }

  ferry::connection records_, answers_;
  words progress_;
  ferry::process process_;
  std::uint64_t sent_ = 0;  // records
};

class engine final : public ferry::engine {
 public:
  std::unique_ptr<ferry::worker_link> start(ferry::worker_setup setup, ferry::doorbell& bell) override {
    return std::make_unique<worker>(std::move(setup), bell);
  }
  std::string_view name() const noexcept override { return "processes behind pipes"; }
  bool carries_handles() const noexcept override { return true; }
  bool can_kill() const noexcept override { return true; }
};

}  // namespace piped

int main(int argc, char* argv[]) {
  ferry::init(argc, argv);
  {
    ferry::pool workers(2, {.engine = std::make_shared<piped::engine>()});
    for (const int each : workers.map(ferry::fn<&ferry::conformance::tasks::square>, {1, 2, 3}))
      std::printf("%d\n", each);
  }
  int failed = 0;
  for (const ferry::conformance::engine_case& each : ferry::conformance::engine_cases()) {
    try {
      each.run([] { return std::make_shared<piped::engine>(); });
      std::printf("passed %s\n", std::string(each.name).c_str());
    } catch (const std::exception& problem) {
      std::printf("FAILED %s: %s\n", std::string(each.name).c_str(), problem.what());
      ++failed;
    }
  }
  return failed;
}
