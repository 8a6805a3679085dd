// SPDX-License-Identifier: BSL-1.0
// The result of a task that a pool runs.
#pragma once

#include <ferry/archive.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/pool/pool_core.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace ferry {

namespace detail {

/// Stored result of type R; an empty struct for void.
struct nothing {};
template <class R>
using result_value = std::conditional_t<std::is_void_v<R>, nothing, R>;

/// To be called in a handler: throws the exception again, nested in one that says what could not be carried.
[[noreturn]] void throw_carrying_error(carrying_error::part what, std::size_t task, std::string type_name);
/// Throws what a worker sent instead of a result.
/// @param failure  as in `item_head::failed`
[[noreturn]] void throw_failure(const std::exception_ptr& thrown, std::uint32_t failure, std::size_t task,
                                std::string type_name);

template <class R>
std::string result_name() {
  if constexpr (std::is_void_v<R>) {
    return "void";
  } else {
    return identity_of<R>().name;
  }
}

/// Reads the result of the next item.
/// @param task  which of its call it is
/// @throws what the task threw, or carrying_error
template <class R>
result_value<R> read_result(item_reader& items, const archive_options& options, std::size_t task = 0) {
  if constexpr (std::is_void_v<R>) {
    if (items.has_plain<std::byte>()) {
      items.next_plain<std::byte>();
      return {};
    }
  } else if constexpr (is_plain<R>) {
    if (items.has_plain<R>()) return items.next_plain<R>();
  }
  std::uint32_t failed = item_head::given;
  std::exception_ptr thrown;
  try {
    forking_iarchive archive = items.next(options, failed);
    try {
      if (failed != item_head::given) {
        thrown = make<std::exception_ptr>(archive);
        archive.finish();
        if (thrown == nullptr) archive.fail("a task failed with no exception");
      } else if constexpr (std::is_void_v<R>) {
        return {};
      } else {
        return make_whole<R>(archive);
      }
    } catch (...) {
      archive.give_up();
    }
  } catch (...) {
    throw_carrying_error(carrying_error::part::result_read, task, result_name<R>());
  }
  throw_failure(thrown, failed, task, result_name<R>());
}

/// The call behind a `task`: what it gives when its batch is done.
template <class R>
class pool_call : public pool_batch {
 public:
  /// Makes the value of what has come, once. To be called when the batch is done.
  /// @throws what the tasks threw
  result_value<R>& value(pool_core& core) {
    const std::lock_guard lock(mutex_);
    if (!read_) {
      read_ = true;
      try {
        in_passing<result_value<R>> value([&]() -> result_value<R> { return read(core); });
        value_.emplace(value.take());
      } catch (...) {
        thrown_ = std::current_exception();
      }
    }
    if (thrown_) std::rethrow_exception(thrown_);
    return *value_;
  }

 private:
  virtual result_value<R> read(pool_core& core) = 0;

  std::mutex mutex_;
  bool read_ = false;
  std::optional<result_value<R>> value_;
  std::exception_ptr thrown_;
};

/// A call of one item.
template <class R>
class single_call final : public pool_call<R> {
 public:
  single_call() {
    this->keeps_finished = false;
    this->sealed = true;
  }
  pool_task only;

 private:
  result_value<R> read(pool_core& core) override {
    if (only.failure) std::rethrow_exception(only.failure);
    item_reader items(only.answer);
    return read_result<R>(items, core.packing());
  }
};

}  // namespace detail

/// What a pool will have made of a call: of one task, or of all of a `map_async`.
///
/// A value: copies stand for the same call. It may outlive the pool, which fails what it had not done.
/// Thread-safe, but for assignment, and for the value that `get` refers to.
template <class R>
class task {
 public:
  /// No task.
  task() noexcept = default;
  task(detail::pool_core core, std::shared_ptr<detail::pool_call<R>> of) noexcept
      : core_(std::move(core)), call_(std::move(of)) {}

  bool valid() const noexcept { return call_ != nullptr; }

  /// Waits for the result. It is read once, and all that ask get the same.
  /// @throws what the task threw, as its own type or the nearest base of it that is registered or known to
  ///         Ferry, else as `remote_error`
  /// @throws worker_died, task_cancelled, pool_closed
  /// @throws carrying_error  when its arguments or its result could not cross, with the reason nested in it
  std::conditional_t<std::is_void_v<R>, void, std::add_lvalue_reference_t<R>> get() const& {
    wait();
    if constexpr (std::is_void_v<R>)
      call().value(core_);
    else
      return call().value(core_);
  }
  R get() && {
    wait();
    if constexpr (std::is_void_v<R>)
      call().value(core_);
    else
      return std::move(call().value(core_));
  }

  void wait() const { wait_until(deadline::never()); }
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return wait_until(deadline::after(time));
  }
  /// @returns whether there is a result, or an exception
  bool wait_until(deadline until) const { return core().wait_done(call(), until); }
  bool ready() const { return wait_until(deadline::immediately()); }

  /// Gives the task up if no worker has begun it; `get` throws `task_cancelled` then.
  /// @returns whether that was so; of a `map_async`, for any of its tasks
  bool cancel() const { return core().cancel(call()) != 0; }

  /// Has functions called when the task is done: `done` with the result, `failed` with the exception. They
  /// run in a thread of the pool, one after the other, after whatever else is due; what they throw is printed
  /// and affects nothing else. Returns the task itself.
  template <class Done>
  const task& then(Done done) const {
    return then(std::move(done), [](const std::exception_ptr&) {});
  }
  template <class Done, class Failed>
  const task& then(Done done, Failed failed) const {
    core().when_done(
        call(), [core = core(), of = call_, done = std::move(done), failed = std::move(failed)]() mutable {
          detail::result_value<R>* value = nullptr;
          try {
            value = &of->value(core);
          } catch (...) {
            failed(std::current_exception());
            return;
          }
          if constexpr (std::is_void_v<R>)
            done();
          else
            done(*value);
        });
    return *this;
  }

  /// For event loops and `ferry::wait`: readable when there is a result, or an exception. Borrowed; made at
  /// the first call, and lasts as long as the task and its copies.
  /// @throws system_error  when there is no descriptor left
  native_handle_type native_handle() const { return core().handle_of(call()).native(); }

 private:
  detail::pool_core& core() const {
    call();
    return core_;
  }
  detail::pool_call<R>& call() const { return detail::held(call_, "task"); }

  mutable detail::pool_core core_{nullptr};  // of no pool where there is no call
  std::shared_ptr<detail::pool_call<R>> call_;
};

}  // namespace ferry
