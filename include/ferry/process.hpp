// SPDX-License-Identifier: BSL-1.0
// Processes: started on construction, joined on destruction.
#pragma once

#include <ferry/bind_front.hpp>
#include <ferry/context.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/process/call_refusal.hpp>
#include <ferry/fn.hpp>
#include <ferry/handle.hpp>
#include <ferry/init.hpp>
#include <ferry/process_handle.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry {

/// What can be said about the end of a process.
struct exit_status {
  enum class state {
    not_started,
    running,
    exited,  ///< `code` is its exit code, 0 to 255
    killed,  ///< `code` is the number of the signal that ended it
    /// It has ended, but another part of this program took its status (by `wait()`), and the system does not
    /// tell it twice, as Linux does from 6.15 on.
    unknown,
  };
  state is = state::not_started;
  int code = 0;
  bool core_dumped =
      false;  ///< killed by a signal, and the system has written a core, or given it to what takes them

  bool ended() const noexcept { return is != state::not_started && is != state::running; }
  friend bool operator==(const exit_status&, const exit_status&) = default;
};

/// How one process is started.
struct process_options {
  /// Empty: made from the context's prefix and the numbers of the ancestors. One that is given is also what
  /// the system calls the child (`top`, `ps -o comm`, debuggers), as far as it shows it: 15 bytes on Linux.
  std::string name = {};
  std::optional<bool> daemon = {};             ///< unset: as the current process
  std::optional<ferry::context> context = {};  ///< unset: `default_context()`
  /// Where the standard output and the error stream of the child go; not valid: where this process's go.
  /// Needed until the process object is made, which keeps a duplicate until the start.
  handle_view output = {}, error_output = {};
};

struct deferred_t {};
/// Constructs a process that `start()` will start.
inline constexpr deferred_t deferred{};

struct rethrow_t {};
/// Has `join` throw what the callable threw.
inline constexpr rethrow_t rethrow{};

class process;

namespace detail {

class child_state;
class call;

/// What is first among the arguments of a process and is no option of it.
template <class F>
concept what_runs = !std::derived_from<std::remove_cvref_t<F>, process> &&
                    !std::same_as<std::remove_cvref_t<F>, deferred_t> &&
                    !std::same_as<std::remove_cvref_t<F>, process_options>;
/// Why it cannot be started. Clang asks that of other types too.
template <class F, class... Args>
consteval refusal find_start_refusal() {
  if constexpr (what_runs<F>)
    return call_refusal<F, Args...>;
  else
    return refusal::none;
}

/// What a forked child runs in its copy of this process's memory.
class closure {
 public:
  virtual ~closure() = default;
  virtual void run() = 0;
};
template <class F>
class held_closure final : public closure {
 public:
  explicit held_closure(F& function) : function_(function) {}
  void run() override { function_(); }

 private:
  F& function_;
};

}  // namespace detail

/// A child process.
///
///   ferry::process child(ferry::fn<&work>, 42, "text");        // runs work(42, "text")
///   child.join();
///
/// *Callables*: `fn<&function>`, lambdas without captures, and function objects whose state can cross. They
/// are known by name in a table; nothing in a message is code. The arguments are converted to the callable's
/// parameters in this process and cross with their handles; guarded objects (mutexes, queues) may be among
/// them. An argument given as an lvalue is not copied, only written, so that a connection can be given to a
/// child and kept; move it in to give it away. What the callable returns is ignored.
///
/// *Life cycle*: it is started on construction, and waited for on destruction. A daemon is not waited for but
/// terminated (SIGTERM, and SIGKILL two seconds later), and dies when this process dies, however that
/// happens. Every process may start others, daemons too.
///
/// *The child* has a standard input that is empty, this process's output and error streams, and of handles
/// only those in its arguments. It exits with 0, with what it gave to `std::exit`, or, when an exception
/// leaves the callable, with 1, after printing it to the error stream. When it crashes and is no daemon, this
/// process prints a line when it takes note of that. It starts with no signal blocked. What else it has of
/// this process, by each start method, is told in a table of the guide.
///
/// *At its exit* run the exit handlers that it has registered, the static objects that it has made are
/// destroyed, and the standard streams and all `FILE`s are flushed. In a copy of this process or of the
/// forkserver nothing else runs, for handlers and destructors of the parent may delete what it still needs;
/// only thread_local objects of the thread that forked are destroyed. A `std::ofstream` from before has to be
/// flushed by the parent before the start, or its text is written twice, and by the child that writes into
/// it, or that is lost.
///
/// Thread-safety: `join`, `is_alive`, `status`, `exit_code` and the signals may be called from several
/// threads at once. Moving, `start`, the setters and `close` want the object for themselves. In a forked
/// child, the processes of its parent throw `process_error`.
class process {
 public:
  /// No process.
  process() noexcept;

  /// Starts a process. Blocks until it is started, not until it runs.
  /// @throws process_error  when this program did not call `ferry::init`, when `fork` is refused because of
  ///                        other threads, when several callables have the name of this one, when another
  ///                        program does not answer
  /// @throws system_error  when descriptors, memory or processes have run out; nothing is left behind
  /// @throws archive_error and what else serialising the arguments throws; nothing is started
  template <detail::what_runs F, class... Args>
  explicit process(F&& function, Args&&... args)
      FERRY_REFUSES(detail::if_given<sizeof(&function)>(detail::find_start_refusal<F, Args...>()));
  template <class F, class... Args>
  explicit process(const process_options& options, F&& function, Args&&... args)
      FERRY_REFUSES(detail::if_given<sizeof(&function)>(detail::find_start_refusal<F, Args...>()));

  /// Keeps callable and arguments until `start()`, which serialises them and throws as above.
  template <detail::what_runs F, class... Args>
  explicit process(deferred_t, F&& function, Args&&... args)
      FERRY_REFUSES(detail::if_given<sizeof(&function)>(detail::kept_call_refusal<F, Args...>));
  template <class F, class... Args>
  explicit process(deferred_t, const process_options& options, F&& function, Args&&... args)
      FERRY_REFUSES(detail::if_given<sizeof(&function)>(detail::kept_call_refusal<F, Args...>));

  /// Copies this process and runs `closure` in the copy: any function object, with any captures, for nothing
  /// is serialised. The child keeps all handles of this process, except those by which Ferry looks after
  /// other children. The context's start method is ignored. (With `start_method::fork` in the context, the
  /// constructors copy the process as well, but callable and arguments cross as always and the child has no
  /// other handles.)
  /// @throws process_error  when other threads run and `context::fork_with_threads` is not set
  template <std::invocable F>
  static process fork(F&& closure, const process_options& options = {}) {
    process child(options);
    detail::held_closure<std::remove_reference_t<F>> work(closure);
    child.start_closure(work);
    return child;
  }

  process(process&& other) noexcept;
  /// Lets go of the process held as the destructor does.
  process& operator=(process&& other) noexcept;
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  /// Waits for the process; terminates a daemon first. Does nothing if it was not started.
  ~process();

  /// @throws process_error  when it was started already, and what the constructor throws
  void start();

  /// Waits for the end.
  void join() const;
  /// Waits for the end, then throws if the callable did not come to its end, each time: the exception that
  /// left it, as its own type if that is registered in the context's dispatch table or known to Ferry, else
  /// as `remote_error`; `process_died` when a signal ended the process (a crash, `kill`, `terminate`); and
  /// `process_error` when the process exited before it came to its callable. An exit by `std::exit` counts as
  /// none of these.
  void join(rethrow_t) const;
  /// @returns whether the process has ended
  template <class Rep, class Period>
  bool join_for(std::chrono::duration<Rep, Period> time) const {
    return join_until(deadline::after(time));
  }
  bool join_until(deadline until) const;

  bool is_alive() const;
  exit_status status() const;
  /// Nothing before the end, or if it is unknown; minus the number of the signal that ended it; else the exit
  /// code.
  std::optional<int> exit_code() const;

  /// SIGTERM: the process may still clean up. Does nothing if it has ended. As `kill`, unwinds nothing.
  void terminate() const;
  /// SIGKILL.
  void kill() const;
  /// SIGINT, as Ctrl-C.
  void interrupt() const;

  const std::string& name() const;
  /// Before the start only.
  void set_name(std::string name);
  bool daemon() const;
  /// Before the start only.
  void set_daemon(bool daemon);
  /// 0 before the start.
  std::int64_t pid() const;
  /// Becomes ready for reading when the process ends, and stays so. For event loops and `ferry::wait`.
  /// Borrowed.
  native_handle_type native_handle() const;

  /// Frees what the object holds of an ended process. Afterwards every member but this one throws
  /// `process_error`.
  /// @throws process_error  when the process is running
  void close();

 private:
  explicit process(const process_options& options);
  template <class F, class... Args>
  void start_with(F&& function, Args&&... args) {
    if constexpr (detail::check_call<detail::call_refusal<F, Args...>, F, Args...>()) {
      start_call(detail::borrow_call(detail::parameters_for<std::remove_cvref_t<F>, Args...>(), function,
                                     std::forward<Args>(args)...));
    }
  }
  template <class F, class... Args>
  void keep_with(F&& function, Args&&... args) {
    if constexpr (detail::check_call<detail::kept_call_refusal<F, Args...>, F, Args...>()) {
      keep_call(detail::keep_call(detail::parameters_for<std::remove_cvref_t<F>, Args...>(),
                                  std::forward<F>(function), std::forward<Args>(args)...));
    }
  }
  void start_call(const detail::call& what);
  void start_closure(detail::closure& what);
  void keep_call(std::unique_ptr<const detail::call> what);
  detail::child_state& state() const;
  detail::child_state& unstarted_state() const;
  void finish() noexcept;

  std::shared_ptr<detail::child_state> state_;
};

template <detail::what_runs F, class... Args>
process::process(F&& function, Args&&... args) : process(process_options()) {
  start_with(std::forward<F>(function), std::forward<Args>(args)...);
}
template <class F, class... Args>
process::process(const process_options& options, F&& function, Args&&... args) : process(options) {
  start_with(std::forward<F>(function), std::forward<Args>(args)...);
}
template <detail::what_runs F, class... Args>
process::process(deferred_t, F&& function, Args&&... args) : process(process_options()) {
  keep_with(std::forward<F>(function), std::forward<Args>(args)...);
}
template <class F, class... Args>
process::process(deferred_t, const process_options& options, F&& function, Args&&... args)
    : process(options) {
  keep_with(std::forward<F>(function), std::forward<Args>(args)...);
}

/// A process, seen from itself.
struct process_info {
  std::string name;  ///< "main" for one that Ferry did not start
  std::int64_t pid = 0;
  bool daemon = false;
  /// 32 random bytes of the first process, known to all its descendants: the `authkey` for listeners that
  /// want to hear only these.
  std::string authkey = {};
};

process_info current_process();
/// The process that started this one by Ferry, as it named itself; nothing in the first process. Its end can
/// be waited for, and its id is never that of another process.
std::optional<process_handle> parent_process();
/// The children of this process that are running, oldest first. Takes the status of those that have ended, so
/// that no zombies remain. Thread-safe.
std::vector<process_handle> active_children();
/// Number of processors that this process may use: those that its affinity lets it run on, but at most what
/// its control groups (of a container) give it the time of, rounded up. At least 1. Reads a few files.
unsigned cpu_count() noexcept;

}  // namespace ferry
