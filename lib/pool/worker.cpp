// A worker's life.
#include <ferry/archive.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/job.hpp>
#include <ferry/engine.hpp>
#include <ferry/error.hpp>

#include "os/memory.hpp"
#include "os/process.hpp"
#include "pool/written_call.hpp"

#include <chrono>
#include <map>
#include <string>

namespace ferry {
namespace {

using detail::item_reader;
using detail::pool_record;
using detail::record_title;

class worker {
 public:
  worker(worker_port& port, const worker_setup& setup) : port_(port) {
    options_.mode = setup.mode;
    options_.table = setup.table;
    options_.limit = setup.limit;
  }

  void serve() {
    pool_record record;
    while (port_.next(record)) {
      const record_title title = record.title();
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

  void make(std::uint64_t id, pool_record& record) {
    made_thing made;
    try {
      item_reader::item item = item_reader(record).next();
      forking_iarchive archive(item.bytes, std::move(item.handles), item.head.format, options_);
      made.object = detail::invoke_written(archive);
    } catch (...) {
      made.thrown = std::current_exception();
    }
    made_[id] = std::move(made);
  }

  void run(record_title title, pool_record& record) {
    const auto start = deadline::clock::now();
    const made_thing& job = made_.at(title.job);
    const made_thing* const state = title.state != 0 ? &made_.at(title.state) : nullptr;
    const std::exception_ptr unmade = state != nullptr && state->thrown ? state->thrown : job.thrown;
    item_reader items(record);
    answer_.bytes.truncate(0);
    answer_.handles.clear();
    title.what = record_title::kind::answer;
    answer_.bytes.append(title);
    for (std::uint32_t number = 0; number < title.count; ++number) {
      port_.begin(title.id, number);
      item_reader::item item = items.next();
      if (unmade) {
        append_exception(unmade);
        continue;
      }
      try {
        answer_.append(options_, false, [&](forking_oarchive& result) {
          forking_iarchive arguments(item.bytes, std::move(item.handles), item.head.format, options_);
          static_cast<detail::job*>(job.object.get())
              ->run(state != nullptr ? state->object.get() : nullptr, arguments, result);
        });
      } catch (...) {
        append_exception(std::current_exception());
      }
    }
    title.nanoseconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(deadline::clock::now() - start).count());
    answer_.set_title(title);
    send_answer(title);
  }

  void append_exception(const std::exception_ptr& thrown) {
    try {
      answer_.append(options_, true, [&](forking_oarchive& archive) { archive << thrown; });
    } catch (const std::exception& problem) {
      const auto instead = std::make_exception_ptr(remote_error(
          "unknown", std::string("an exception that cannot cross: ") + problem.what(), os::own_id()));
      answer_.append(options_, true, [&](forking_oarchive& archive) { archive << instead; });
    }
  }

  /// An answer that cannot be sent (memory or descriptors have run out) becomes one that can: the reason.
  void send_answer(const record_title& title) {
    try {
      port_.answer(answer_);
    } catch (const error&) {
      const std::exception_ptr thrown = std::current_exception();
      answer_.bytes.truncate(sizeof title);
      answer_.handles.clear();
      for (std::uint32_t number = 0; number < title.count; ++number) append_exception(thrown);
      port_.answer(answer_);
    }
  }

  worker_port& port_;
  archive_options options_;
  std::map<std::uint64_t, made_thing> made_;
  pool_record answer_;
};

}  // namespace

void serve_pool(worker_port& port, worker_setup setup) {
  if (setup.max_memory != 0) os::limit_address_space(setup.max_memory);
  if (!setup.initializer.bytes().empty()) {
    archive_options options;
    options.mode = setup.mode;
    options.table = setup.table;
    options.limit = setup.limit;
    forking_iarchive archive(std::move(setup.initializer), options);
    detail::invoke_written(archive);
  }
  port.ready();
  worker(port, setup).serve();
}

}  // namespace ferry
