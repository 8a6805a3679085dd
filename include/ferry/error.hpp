// SPDX-License-Identifier: BSL-1.0
// Exceptions: each that Ferry throws derives from ferry::error; the type tells the caller what to do.
#pragma once

#include <ferry/detail/base/language.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace ferry {

/// What the caller can do about an error.
enum class error_kind : std::uint8_t {
  usage,         ///< the program is at fault: correct it; the same call fails again
  retry_later,   ///< something has run out or is busy: the same call may succeed later
  disconnected,  ///< the other side, or a process that was relied on, has ended or closed: start or open anew
  bad_data,      ///< what arrived is not what it should be: drop it, and distrust where it came from
  not_supported,  ///< this cannot be done here or in this way: choose another one
  system,         ///< anything else: what the system or another process refused, with the reason in the text
};

/// Base of all exceptions thrown by Ferry. What arrives from another process is of the same kind as it was
/// there, if its type is known here.
class error : public std::runtime_error {
 public:
  explicit error(const std::string& what) : std::runtime_error(what) {}
  virtual error_kind kind() const noexcept { return error_kind::system; }
};

/// A call that makes no sense as it was made: a count out of range, an order of calls that is not possible,
/// an object that was moved from. Nothing was done.
class usage_error : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::usage; }
};

/// A call of the operating system failed. `what()` names the operation, the object and the reason;
/// where the cure is known (a limit to raise, say) it names the limit, its value and the cure.
class system_error : public error {
 public:
  /// @param code  in `std::generic_category()` wherever Ferry throws it: to be compared with `std::errc`
  /// @param operation  what was being done and to which object, e.g. "create shared memory of 4096 bytes"
  system_error(std::error_code code, const std::string& operation);
  const std::error_code& code() const noexcept { return code_; }
  /// By the code: what has run out may be there later, a peer may be gone, a call may be unknown here.
  error_kind kind() const noexcept override;

 private:
  std::error_code code_;
};

/// A guarded object (mutex, semaphore, queue, ...) was to cross outside the start of a process while the
/// transfer mode was `transfer::inherit`.
class spawning_error : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::usage; }
};

/// A carrier cannot take what the message holds, e.g. a handle over TCP. Nothing was sent.
class transfer_error : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::not_supported; }
};

/// Bytes could not be turned into a value, or a value into bytes. The message is lost, its carrier is not.
class archive_error : public error {
 public:
  static constexpr std::size_t no_offset = static_cast<std::size_t>(-1);

  [[gnu::cold]] explicit archive_error(const std::string& what, std::size_t offset = no_offset);
  /// Where in the message the trouble was found, in bytes from its start, or `no_offset`.
  std::size_t offset() const noexcept { return offset_; }
  error_kind kind() const noexcept override { return error_kind::bad_data; }

 private:
  std::size_t offset_;
};

/// The message holds another type than the one asked for.
class type_mismatch : public archive_error {
 public:
  [[gnu::cold]] type_mismatch(const std::string& held, const std::string& asked);
  /// @param difference  between the type in the message and the one of that name here, e.g. "member 2 is f64
  /// in
  ///                    the message, i64 here"
  [[gnu::cold]] type_mismatch(const std::string& held, const std::string& asked,
                              const std::string& difference);
  /// Wire name of the type that the message holds.
  const std::string& held() const noexcept { return held_; }
  /// Wire name of the type that was asked for.
  const std::string& asked() const noexcept { return asked_; }
  /// What differs, where it is not the name; else empty.
  const std::string& difference() const noexcept { return difference_; }

 private:
  std::string held_, asked_, difference_;
};

/// A name (of a type, a callable, an exception) that no dispatch table in reach has an entry for, or that
/// has one already.
class name_error : public error {
 public:
  name_error(const std::string& what, std::string name);
  const std::string& name() const noexcept { return name_; }
  error_kind kind() const noexcept override { return error_kind::usage; }

 private:
  std::string name_;
};

/// One of `ferry::limits`, or another bound that can be set, was passed. `what()` names the limit, its value
/// and what was asked for.
class limit_exceeded : public error {
 public:
  explicit limit_exceeded(const std::string& what, std::size_t offset = archive_error::no_offset);
  error_kind kind() const noexcept override { return error_kind::usage; }
  /// Where in a message, in bytes from its start, or `archive_error::no_offset`.
  std::size_t offset() const noexcept { return offset_; }

 private:
  std::size_t offset_;
};

/// The other side closed the stream, and all messages have been read. Also thrown when writing to it.
class end_of_stream : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::disconnected; }
};

/// Something was to be put into a queue that is closed.
class queue_closed : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::disconnected; }
};

/// Processes ended with tasks of a `joinable_queue` that they had taken and not reported as done.
class tasks_lost : public error {
 public:
  tasks_lost(std::uint64_t count, std::int64_t process);
  std::uint64_t count() const noexcept { return count_; }
  /// Id of the process, of the last one where there were several.
  std::int64_t process() const noexcept { return process_; }
  error_kind kind() const noexcept override { return error_kind::disconnected; }

 private:
  std::uint64_t count_;
  std::int64_t process_;
};

/// A worker of a pool ended while it ran a task, or came to its end before it had run any.
class worker_died : public error {
 public:
  /// How it ended.
  enum class cause {
    exited,      ///< `code` is its exit code
    killed,      ///< `code` is the number of the signal
    timed_out,   ///< the pool killed it: the task took longer than its timeout
    misbehaved,  ///< the pool killed it: what it answered made no sense
    lost,        ///< how it ended is unknown
  };
  static constexpr std::size_t no_task = static_cast<std::size_t>(-1);

  worker_died(cause why, int code, std::int64_t pid, std::size_t task);
  cause why() const noexcept { return why_; }
  int code() const noexcept { return code_; }
  std::int64_t pid() const noexcept { return pid_; }
  /// Which task of its call it ran, counted from 0, or `no_task`.
  std::size_t task() const noexcept { return task_; }
  error_kind kind() const noexcept override { return error_kind::disconnected; }

 private:
  cause why_;
  int code_;
  std::int64_t pid_;
  std::size_t task_;
};

/// The arguments or the result of a task could not cross, though the callable itself did not fail. Why is
/// nested in it (std::rethrow_if_nested): what reading or writing threw.
class carrying_error : public error {
 public:
  enum class part {
    arguments_read,  ///< the worker could not read them; the task was not run
    result_written,  ///< the task was run, and the worker could not write what it gave
    result_read,     ///< the task was run, and what it gave could not be read here
  };
  /// @param type_name  of the result; empty for arguments
  /// @param why  text of what is nested
  carrying_error(part what, std::size_t task, std::string type_name, std::string why);
  part what_failed() const noexcept { return part_; }
  /// Whether the task has had its effects.
  bool task_was_run() const noexcept { return part_ != part::arguments_read; }
  /// Which task of its call it is, counted from 0.
  std::size_t task() const noexcept { return task_; }
  const std::string& type_name() const noexcept { return type_name_; }
  const std::string& why() const noexcept { return why_; }
  error_kind kind() const noexcept override { return error_kind::bad_data; }

 private:
  part part_;
  std::size_t task_;
  std::string type_name_, why_;
};

/// A task that was given up before it was begun.
class task_cancelled : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::disconnected; }
};

/// A task was given to a pool that takes no further ones, or was still waiting there when the pool ended.
class pool_closed : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::disconnected; }
};

/// The stream ended inside a message: the writer died or broke the protocol. The connection is unusable.
class truncated_message : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::disconnected; }
};

/// The memory given to `recv_bytes_into` is smaller than the message, which is in here instead.
class buffer_too_short : public error {
 public:
  buffer_too_short(std::size_t capacity, std::vector<std::byte> message);
  /// The whole message. It has been taken from the connection.
  const std::vector<std::byte>& message() const noexcept { return message_; }
  /// How many bytes the memory has.
  std::size_t capacity() const noexcept { return capacity_; }
  error_kind kind() const noexcept override { return error_kind::usage; }

 private:
  std::size_t capacity_;
  std::vector<std::byte> message_;
};

/// The peer of a listener or client did not prove that it knows the key, or not in time.
class authentication_error : public error {
 public:
  using error::error;
  error_kind kind() const noexcept override { return error_kind::bad_data; }
};

/// A process could not be started, or was used against its life cycle.
class process_error : public error {
 public:
  using error::error;
};

/// A process was ended by a signal: it crashed, or was killed.
class process_died : public error {
 public:
  process_died(std::string name, std::int64_t pid, int signal, bool core_dumped);
  /// Of the process, as `process::name`.
  const std::string& name() const noexcept { return name_; }
  std::int64_t pid() const noexcept { return pid_; }
  /// Its number.
  int signal() const noexcept { return signal_; }
  bool core_dumped() const noexcept { return core_dumped_; }
  error_kind kind() const noexcept override { return error_kind::disconnected; }

 private:
  std::string name_;
  std::int64_t pid_;
  int signal_;
  bool core_dumped_;
};

/// An exception of a type that is not registered, thrown in another process.
class remote_error : public error {
 public:
  /// @param type_name  name of the exception's type over there
  /// @param text  its `what()`
  /// @param origin  id of the process that threw it, 0 if unknown
  /// @param trace  see `trace()`
  remote_error(std::string type_name, std::string text, std::int64_t origin, std::string trace = {});
  const std::string& type_name() const noexcept { return type_name_; }
  const std::string& text() const noexcept { return text_; }
  std::int64_t origin() const noexcept { return origin_; }
  /// Where it was thrown and what was attached to it (a stack trace, say), of an exception that carries such
  /// with it: one that is a boost::exception, as those thrown by BOOST_THROW_EXCEPTION are. Else empty.
  const std::string& trace() const noexcept { return trace_; }

 private:
  std::string type_name_, text_;
  std::int64_t origin_;
  std::string trace_;
};

}  // namespace ferry
