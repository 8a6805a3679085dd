// SPDX-License-Identifier: BSL-1.0
// A worker's life.
#include <ferry/archive.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/pool/job.hpp>
#include <ferry/detail/pool/pool_record.hpp>
#include <ferry/engine.hpp>
#include <ferry/error.hpp>
#include <ferry/message.hpp>

#include "base/fork.hpp"
#include "os/memory.hpp"
#include "os/process.hpp"
#include "pool/written_call.hpp"
#include "process/child_main.hpp"

#include <chrono>
#include <map>
#include <new>
#include <span>
#include <string>
#include <vector>

namespace ferry {
namespace {

using detail::item_head;
using detail::item_reader;
using detail::pool_record;
using detail::record_title;

class worker {
 public:
  worker(worker_endpoint& port, const worker_setup& setup) : port_(port), options_(setup.archive) {}

  void serve() {
    message record;
    while (next(record)) {
      const record_title title = detail::title_of(record);
      switch (title.what) {
        case record_title::kind::make:
          make(title.id, record);
          break;
        case record_title::kind::forget:
          made_.erase(title.id);
          break;
        case record_title::kind::run:
          run(title, record);
          break;
        case record_title::kind::answer:
          throw archive_error("a worker was sent an answer");
      }
    }
  }

 private:
  /// What a job or a state is, or what was thrown when it was made: the items that need it get that.
  struct made_thing {
    std::shared_ptr<void> object;
    std::exception_ptr thrown;
  };

  /// A record for which there is no memory here, or no room for its handles, is as good as none: `lost_` says
  /// why, and so does each item of it.
  bool next(message& record) {
    lost_ = nullptr;
    record.storage().truncate(0);
    record.handles().clear();
    try {
      if (!port_.next(record)) return false;
      if (record.bytes().size() < sizeof(record_title))
        throw archive_error("a worker was given " + std::to_string(record.bytes().size()) +
                            " bytes as a record, which has a title of " +
                            std::to_string(sizeof(record_title)) + " bytes at least");
      return true;
    } catch (const std::exception& problem) {
      const bool ran_out = dynamic_cast<const std::bad_alloc*>(&problem) != nullptr ||
                           dynamic_cast<const system_error*>(&problem) != nullptr;
      if (!ran_out || record.bytes().size() < sizeof(record_title)) throw;
      lost_ = std::current_exception();
      return true;
    }
  }

  void make(std::uint64_t id, message& record) {
    // Who dies of it is seen to have died of it.
    const std::uint64_t ran_before = notes_.run.exchange(id);
    made_thing made;
    try {
      if (lost_) std::rethrow_exception(lost_);
      std::uint32_t failed = item_head::given;
      forking_iarchive archive = item_reader(record).next(options_, failed);
      made.object = detail::invoke_written(archive);
    } catch (...) {
      made.thrown = std::current_exception();
    }
    made_[id] = std::move(made);
    detail::renew_lifeline();
    notes_.run.store(ran_before, std::memory_order_release);
  }

  void run(record_title title, message& record) {
    const auto start = deadline::clock::now();
    const made_thing& job = made_.at(title.job);
    const made_thing* const state = title.state != 0 ? &made_.at(title.state) : nullptr;
    unmade_ = lost_ ? lost_ : state != nullptr && state->thrown ? state->thrown : job.thrown;
    job_ = static_cast<detail::job*>(job.object.get());
    state_ = state != nullptr ? state->object.get() : nullptr;
    const std::uint32_t argument_size = title.item_size;
    title.what = record_title::kind::answer;
    title.item_size = 0;
    answer_.restart(title);
    try {
      item_reader items(record);
      if (argument_size == 0 || unmade_)
        run_items(title, items);
      else
        run_plain_items(title, items.next_bytes(std::size_t{title.count} * argument_size), argument_size);
    } catch (const std::bad_alloc&) {  // for all results together
      answer_instead(title, std::current_exception());
    }
    // A task may fork, and both come back from it. The worker is the one that was one before.
    if (made_in_.is_copy()) os::exit_at_once(0);
    title.nanoseconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(deadline::clock::now() - start).count());
    answer_.set_title(title);
    send_answer(title);
  }

  void run_items(const record_title& title, item_reader& items) {
    for (std::uint32_t number = 0; number < title.count; ++number) {
      begin(title, number);
      if (unmade_) {
        append_exception(unmade_);
        continue;
      }
      auto phase = detail::job::phase::reading;
      try {
        std::uint32_t failed = item_head::given;
        forking_iarchive arguments = items.next(options_, failed);
        answer_.append(options_, item_head::given,
                       [&](forking_oarchive& result) { job_->run(state_, arguments, result, phase); });
      } catch (const std::bad_alloc&) {  // says enough by itself
        append_exception(std::current_exception());
      } catch (...) {
        append_exception(std::current_exception(), failure_in(phase));
      }
    }
  }

  /// Results of plain items are plain too, unless one of them fails.
  void run_plain_items(record_title& title, const std::byte* arguments, std::uint32_t argument_size) {
    if (job_->plain_arguments() != argument_size)
      throw archive_error("a worker was sent plain items that are not what their job takes");
    const std::size_t size = job_->plain_result();
    std::byte* const results = answer_.storage().extend(title.count * size);
    std::map<std::uint32_t, std::exception_ptr> thrown;
    for (std::uint32_t first = 0; first < title.count;) {
      begin(title, first);
      // One at a time where somebody looks how long it takes.
      const std::uint32_t end = title.timed != 0 ? first + 1 : title.count;
      try {
        job_->run_plain(state_, arguments, results, first, end, notes_.item);
        first = end;
      } catch (...) {
        first = static_cast<std::uint32_t>(notes_.item.load(std::memory_order_relaxed));
        thrown.emplace(first++, std::current_exception());
      }
    }
    if (thrown.empty())
      title.item_size = static_cast<std::uint32_t>(size);
    else
      give_heads(title.count, size, thrown);
  }

  void begin(const record_title& title, std::uint32_t item) noexcept {
    if (title.timed != 0) {
      const auto now = deadline::clock::now().time_since_epoch();
      notes_.begun_at.store(
          static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()),
          std::memory_order_relaxed);
    }
    notes_.item.store(item, std::memory_order_release);
    if (item == 0) notes_.run.store(title.id, std::memory_order_release);
  }

  /// Makes items without heads into such with heads, or into what they threw instead.
  void give_heads(std::uint32_t count, std::size_t size,
                  const std::map<std::uint32_t, std::exception_ptr>& thrown) {
    const auto plain = answer_.bytes().subspan(sizeof(record_title));
    const std::vector<std::byte> results(plain.begin(), plain.end());
    answer_.storage().truncate(sizeof(record_title));
    for (std::uint32_t number = 0; number < count; ++number) {
      if (const auto found = thrown.find(number); found != thrown.end())
        append_exception(found->second);
      else
        answer_.append_plain(std::span(results).subspan(number * size, size));
    }
  }

  static std::uint32_t failure_in(detail::job::phase phase) noexcept {
    switch (phase) {
      case detail::job::phase::reading:
        return item_head::arguments_unread;
      case detail::job::phase::writing:
        return item_head::result_unwritten;
      case detail::job::phase::running:
        break;
    }
    return item_head::thrown;
  }

  void append_exception(const std::exception_ptr& thrown, std::uint32_t failure = item_head::thrown) {
    try {
      answer_.append(options_, failure, [&](forking_oarchive& archive) { archive << thrown; });
    } catch (const std::exception& problem) {
      const auto instead = std::make_exception_ptr(remote_error(
          "unknown", std::string("an exception that cannot cross: ") + problem.what(), os::own_id()));
      answer_.append(options_, failure, [&](forking_oarchive& archive) { archive << instead; });
    }
  }

  /// An answer that cannot be sent (memory or descriptors have run out) becomes one that can: the reason.
  void send_answer(record_title& title) {
    try {
      port_.answer(answer_);
    } catch (const std::exception&) {
      answer_instead(title, std::current_exception());
      port_.answer(answer_);
    }
    // Who has it now decides how long they stay open.
    answer_.handles().clear();
  }

  /// Makes the answer one that gives the same exception for each item.
  void answer_instead(record_title& title, const std::exception_ptr& thrown) {
    title.item_size = 0;
    answer_.restart(title);
    for (std::uint32_t number = 0; number < title.count; ++number) append_exception(thrown);
  }

  worker_endpoint& port_;
  progress_words notes_ = port_.notes();
  archive_options options_;
  std::map<std::uint64_t, made_thing> made_;
  pool_record answer_;
  std::exception_ptr lost_;
  const detail::fork_mark made_in_;
  // Of the record that is being run.
  detail::job* job_ = nullptr;
  void* state_ = nullptr;
  std::exception_ptr unmade_;
};

}  // namespace

void serve_pool(worker_endpoint& port, worker_setup setup) {
  if (setup.max_memory != 0) os::limit_address_space(setup.max_memory);
  if (!setup.initializer.bytes().empty()) {
    forking_iarchive archive(std::move(setup.initializer), setup.archive);
    detail::invoke_written(archive);
    detail::renew_lifeline();
  }
  port.notes().ready.store(1, std::memory_order_release);
  worker(port, setup).serve();
}

}  // namespace ferry
