// SPDX-License-Identifier: BSL-1.0
// The seam between a pool's scheduler and whatever its workers are: processes, threads, other machines.
#pragma once

#include <ferry/archive_options.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace ferry {

struct context;

/// What workers ring when they have answered. Shared memory and an event, so that a worker in another process
/// rings it as well as a thread that has read an answer from a network. Thread-safe.
class doorbell {
 public:
  /// @throws system_error  when memory or descriptors have run out; it takes two
  doorbell();
  /// The same doorbell in another process.
  /// @throws archive_error  when these are not the handles of a doorbell
  doorbell(unique_handle memory, unique_handle event);
  doorbell(doorbell&& other) noexcept;
  ~doorbell();

  /// To be called after an answer can be received. Does not block; a system call only when a thread sleeps.
  void ring() noexcept;
  /// For a worker that ends before it is ready: whether it is the first since one has been, so that of
  /// several with one cause one says it.
  bool is_first_to_fail() noexcept;
  void none_fails() noexcept;

  handle_view memory() const noexcept;
  handle_view event() const noexcept;

 private:
  friend class doorbell_listener;
  struct state;
  std::unique_ptr<state> state_;
};

/// What a worker is told when it starts.
struct worker_setup {
  std::string name;              ///< of the process
  archive_options archive = {};  ///< of arguments and results; its table does not cross to another process
  std::size_t max_memory = 0;    ///< most address space in bytes; 0: no limit
  /// Names a callable and holds its arguments; run before the first task. Without bytes: none.
  message initializer = {};
};

/// How a worker ended.
struct worker_end {
  enum class kind { exited, killed, unknown };
  kind how = kind::unknown;
  int code = 0;                         ///< exit code, or number of the signal
  std::exception_ptr thrown = nullptr;  ///< what its initializer threw, if it was that
};

/// What a worker is doing.
struct worker_progress {
  bool ready = false;          ///< the initializer has run
  std::uint64_t run = 0;       ///< `id` of the record that it is making, or whose items it last began to run
  std::uint32_t item = 0;      ///< which of its items
  std::uint64_t begun_at = 0;  ///< on the monotonic clock, in nanoseconds; 0 where the pool did not ask
};

/// A worker as the scheduler sees it. Called by one thread at a time. No call blocks.
class worker_link {
 public:
  virtual ~worker_link() = default;

  /// Gives the worker a record; it gets them in order. A copy: bytes and handles stay with the caller.
  /// @returns false when it can take nothing further for now; nothing was sent then
  /// @throws system_error, transfer_error  nothing was sent then
  /// @throws end_of_stream  when the worker has died, or takes no handles any more
  virtual bool send(const message_view& record) = 0;
  /// Takes back all records that the worker has not begun with: the last ones that were sent. Asked where
  /// others have nothing to do, and when the worker has ended: what is not given back then it has died of.
  /// An engine that can have nothing back from a worker that lives says 0 until it has ended.
  /// @param most  how many records it can have
  /// @returns how many; nothing when they cannot be taken back for the moment, since the worker is just
  ///          taking one. It is killed when that is so for a second.
  /// @throws archive_error  when what is there makes no sense: the worker is unusable
  virtual std::optional<std::size_t> recall(std::size_t most) = 0;
  /// No further records will be sent: the worker ends when it is done with those it has.
  virtual void finish() = 0;

  /// Takes the next answer, if there is one.
  /// @param into  gets it, as the worker's end sent it; its memory is used again
  /// @param most  how many bytes and handles it may have, to be compared before it is copied
  /// @throws archive_error, limit_exceeded  when what came is no answer, or has more: the worker is unusable
  /// @throws system_error  when there is no descriptor for what the answer holds, which is lost; `into` has
  ///                       its first bytes, and the next one can be taken
  virtual bool receive(message& into, const limits& most) = 0;
  /// Whether dropping the link may take time, since handles come with it that the worker has sent and the
  /// pool has not taken.
  virtual bool holds_handles() const noexcept { return false; }
  /// As the worker says; it may be lying, so it is good for messages and estimates, and where the worker has
  /// ended, to tell the item it was at.
  virtual worker_progress progress() const noexcept = 0;

  /// Asks it to end at once, as SIGTERM does, or makes it, as SIGKILL; between two tasks where it cannot be
  /// killed.
  virtual void terminate() noexcept = 0;
  virtual void kill() noexcept = 0;
  /// Becomes readable when the worker has ended, and stays so. Borrowed.
  virtual native_handle_type native_handle() const = 0;
  /// How it ended, once it has. What it had answered before can still be received.
  virtual std::optional<worker_end> ended() = 0;
  /// Of its process; where there is none, a number for error texts.
  virtual std::int64_t pid() const noexcept = 0;
};

/// Where a worker says what it is doing: words that the scheduler may read at any time, also when the worker
/// has ended. See `worker_progress`.
struct progress_words {
  std::atomic<std::uint64_t>&ready, &run, &item, &begun_at;
};

/// The scheduler as a worker sees it.
class worker_endpoint {
 public:
  virtual ~worker_endpoint() = default;

  /// Waits for the next record, which is as the link was given it, but for its `format`.
  /// @param into  empty when it is called
  /// @returns false when there will be none
  /// @throws system_error, std::bad_alloc  when there is no room for the record. If `into` has its first
  /// bytes
  ///         then, the worker answers that it could not have the rest; else it ends
  virtual bool next(message& into) = 0;
  virtual progress_words notes() noexcept = 0;
  /// Sends an answer, and rings the doorbell.
  virtual void answer(const message_view& what) = 0;
};

/// Where the workers of a pool live. `pool_options::engine` takes one; without, they are processes.
class engine {
 public:
  virtual ~engine() = default;
  /// Starts a worker. May block until it is started, not until it is ready.
  /// Called by the pool's own threads, beside calls to other links; by several pools, if they share the
  /// engine.
  /// @param bell  to be rung by who answers; the destruction of the link, which may come in any thread, does
  /// not
  ///              ring it
  /// @throws what keeps it from being started
  virtual std::unique_ptr<worker_link> start(worker_setup setup, doorbell& bell) = 0;
  /// What error texts call it, e.g. "processes of this machine".
  virtual std::string_view name() const noexcept { return "this engine"; }
  /// Whether arguments and results may hold handles. If not, a task with handles is refused when it is handed
  /// over, with a `transfer_error` that names the engine.
  virtual bool carries_handles() const noexcept = 0;
  /// Whether a worker can be made to end in the middle of a task: timeouts need that.
  virtual bool can_kill() const noexcept = 0;
};

/// A worker's life: the initializer, then one record after the other until the last.
/// @throws what the initializer throws
void serve_pool(worker_endpoint& port, worker_setup setup);

/// Workers that are daemon processes of this one.
/// @throws process_error  when the context forks and does not allow that beside threads, which a pool has
std::unique_ptr<engine> make_process_engine(const context& how);
/// Workers that are threads of this process: for debugging, and where processes are not needed. Arguments
/// and results are written and read all the same, so what works here works with processes. The threads block
/// all signals but those by which the processor reports a mistake (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP,
/// SIGSYS): what is sent to the process is for the program's own threads.
std::unique_ptr<engine> make_thread_engine();

}  // namespace ferry
