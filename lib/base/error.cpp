// SPDX-License-Identifier: BSL-1.0
// Texts of the exceptions.
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/error.hpp>

#include "base/signal_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace ferry {
namespace {

std::string at_offset(const std::string& what, std::size_t offset) {
  return offset == archive_error::no_offset ? what : what + " (at byte " + std::to_string(offset) + ")";
}

std::string death_text(worker_died::cause why, int code, std::int64_t pid, std::size_t task) {
  std::string text = "worker process " + std::to_string(pid);
  switch (why) {
    case worker_died::cause::exited:
      text += " exited with code " + std::to_string(code);
      break;
    case worker_died::cause::killed:
      text += " was killed by signal " + std::to_string(code);
      break;
    case worker_died::cause::timed_out:
      text += " was killed for taking longer than the timeout of its task";
      break;
    case worker_died::cause::misbehaved:
      text += " was killed for answering nonsense";
      break;
    case worker_died::cause::lost:
      text += " ended, and other code of this program took its status";
      break;
  }
  if (task == worker_died::no_task)
    return text +
           " while it ran no task: look at what the initializer does, and at what callables and states "
           "do when they are made";
  text += " while it ran task " + std::to_string(task);
  // Not where the task itself called exit: it does so again.
  if (why == worker_died::cause::exited) return text;
  return text + (why == worker_died::cause::timed_out
                     ? "; task_options::timeout sets how long it may take"
                     : "; task_options::retries sets how often such a task is run again");
}

std::string carrying_text(carrying_error::part what, std::size_t task, const std::string& type_name,
                          const std::string& why) {
  const std::string number = " of task " + std::to_string(task);
  switch (what) {
    case carrying_error::part::arguments_read:
      return "the arguments" + number + " could not be read by the worker: " + why;
    case carrying_error::part::result_written:
      return "the result" + number + ", a '" + type_name + "', could not be written by the worker: " + why;
    case carrying_error::part::result_read:
      break;
  }
  return "the result" + number + ", a '" + type_name + "', could not be read: " + why;
}

std::string remote_text(const std::string& type_name, const std::string& text, std::int64_t origin,
                        const std::string& trace) {
  return (origin > 0 ? "process " + std::to_string(origin) : std::string("another process")) + " threw " +
         type_name + ": " + text + (trace.empty() ? "" : "\n" + trace);
}

}  // namespace

system_error::system_error(std::error_code code, const std::string& operation)
    : error(operation + ": " + code.message() + " (" + std::to_string(code.value()) + ")"), code_(code) {}

error_kind system_error::kind() const noexcept {
  static constexpr std::array busy{std::errc::resource_unavailable_try_again,
                                   std::errc::not_enough_memory,
                                   std::errc::too_many_files_open,
                                   std::errc::too_many_files_open_in_system,
                                   std::errc::no_space_on_device,
                                   std::errc::no_buffer_space,
                                   std::errc::device_or_resource_busy,
                                   std::errc::timed_out,
                                   std::errc::interrupted,
                                   std::errc::operation_would_block};
  static constexpr std::array gone{std::errc::broken_pipe,        std::errc::connection_reset,
                                   std::errc::connection_refused, std::errc::connection_aborted,
                                   std::errc::not_connected,      std::errc::no_such_process,
                                   std::errc::host_unreachable,   std::errc::network_unreachable};
  static constexpr std::array unknown{std::errc::function_not_supported, std::errc::operation_not_supported,
                                      std::errc::not_supported, std::errc::protocol_not_supported,
                                      std::errc::address_family_not_supported};
  static constexpr std::array mistakes{std::errc::invalid_argument, std::errc::bad_file_descriptor,
                                       std::errc::not_a_socket, std::errc::value_too_large};
  const auto is_among = [&](const auto& codes) {
    return std::any_of(codes.begin(), codes.end(), [&](std::errc each) { return code_ == each; });
  };
  if (is_among(busy)) return error_kind::retry_later;
  if (is_among(gone)) return error_kind::disconnected;
  if (is_among(unknown)) return error_kind::not_supported;
  if (is_among(mistakes)) return error_kind::usage;
  return error_kind::system;
}

archive_error::archive_error(const std::string& what, std::size_t offset)
    : error(at_offset(what, offset)), offset_(offset) {}

limit_exceeded::limit_exceeded(const std::string& what, std::size_t offset)
    : error(at_offset(what, offset)), offset_(offset) {}

type_mismatch::type_mismatch(const std::string& held, const std::string& asked)
    : archive_error("the message holds '" + held + "', not '" + asked +
                    "': read it as that type, or with loads_any or a dispatcher"),
      held_(held),
      asked_(asked) {}

type_mismatch::type_mismatch(const std::string& held, const std::string& asked, const std::string& difference)
    : archive_error("'" + held + "' in the message has other members than '" + asked +
                    "' here: " + difference + "; build both programs from one version of it"),
      held_(held),
      asked_(asked),
      difference_(difference) {}

name_error::name_error(const std::string& what, std::string name) : error(what), name_(std::move(name)) {}

tasks_lost::tasks_lost(std::uint64_t count, std::int64_t process)
    : error(std::to_string(count) + " tasks were taken from the queue by processes that ended before they " +
            "were done, the last one by process " + std::to_string(process)),
      count_(count),
      process_(process) {}

worker_died::worker_died(cause why, int code, std::int64_t pid, std::size_t task)
    : error(death_text(why, code, pid, task)), why_(why), code_(code), pid_(pid), task_(task) {}

process_died::process_died(std::string name, std::int64_t pid, int signal, bool core_dumped)
    : error("process " + name + " (" + std::to_string(pid) + ") was ended by signal " +
            std::to_string(signal) + " (" + detail::text_of_signal(signal) + ")" +
            (core_dumped ? ", with a core dump" : "")),
      name_(std::move(name)),
      pid_(pid),
      signal_(signal),
      core_dumped_(core_dumped) {}

carrying_error::carrying_error(part what, std::size_t task, std::string type_name, std::string why)
    : error(carrying_text(what, task, type_name, why)),
      part_(what),
      task_(task),
      type_name_(std::move(type_name)),
      why_(std::move(why)) {}

buffer_too_short::buffer_too_short(std::size_t capacity, std::vector<std::byte> message)
    : error("a message of " + std::to_string(message.size()) + " bytes does not fit the " +
            std::to_string(capacity) + " bytes given for it: it is in this exception, take it from there"),
      capacity_(capacity),
      message_(std::move(message)) {}

remote_error::remote_error(std::string type_name, std::string text, std::int64_t origin, std::string trace)
    : error(remote_text(type_name, text, origin, trace)),
      type_name_(std::move(type_name)),
      text_(std::move(text)),
      origin_(origin),
      trace_(std::move(trace)) {}

void detail::throw_empty(const char* what) {
  throw usage_error("this " + std::string(what) + " is empty: it was moved from");
}

}  // namespace ferry
