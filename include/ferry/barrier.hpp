// SPDX-License-Identifier: BSL-1.0
// Barriers: points at which processes wait for each other.
#pragma once

#include <ferry/arena.hpp>
#include <ferry/deadline.hpp>
#include <ferry/detail/sync/shareable.hpp>
#include <ferry/error.hpp>
#include <ferry/handle.hpp>
#include <ferry/lock_error.hpp>
#include <ferry/reducer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry {

/// The action of a barrier that has none.
struct no_action {
  void operator()() const noexcept {}
};

namespace detail {

class barrier_member;

template <class Action, bool IsStateless>
struct barrier_rebuild;

/// What all barriers do, whatever their action is. Const throughout: a barrier is a reference to what is in
/// shared memory.
class shared_barrier {
 public:
  static constexpr std::ptrdiff_t max() noexcept { return 65536; }

  /// How many have to come together.
  std::ptrdiff_t parties() const;
  /// How many wait; may be out of date at once.
  std::ptrdiff_t waiting() const;
  /// Whether `wait` throws until a process calls `reset()`.
  bool broken() const;

  /// Breaks it: all who wait, and who come before a `reset()`, get a `broken_barrier`. Does not block.
  void abort() const;
  /// Puts it in order: those who wait get a `broken_barrier`, a broken one can be used again, processes that
  /// have ended are not expected any more. Does not block.
  void reset() const;

  /// False when it was moved from.
  bool valid() const noexcept { return member_ != nullptr; }
  /// Whether both are the same barrier.
  friend bool operator==(const shared_barrier& left, const shared_barrier& right) noexcept {
    return left.member_ == right.member_ ||
           (left.valid() && right.valid() && left.location() == right.location());
  }
  /// In words: how many wait of how many, and whether it is broken.
  friend std::ostream& operator<<(std::ostream& out, const shared_barrier& shown);

 protected:
  shared_barrier(std::ptrdiff_t parties, std::chrono::nanoseconds timeout);
  shared_barrier(const arena& in, std::ptrdiff_t parties, std::chrono::nanoseconds timeout);
  /// @throws archive_error  unless there is such a barrier at that offset
  shared_barrier(unique_handle memory, std::uint64_t offset, std::uint32_t parties);
  ~shared_barrier() = default;
  shared_barrier(const shared_barrier&) = default;
  shared_barrier(shared_barrier&&) noexcept = default;
  shared_barrier& operator=(const shared_barrier&) = default;
  shared_barrier& operator=(shared_barrier&&) noexcept = default;

  const shared_location& location() const;
  /// How it crosses, without its action.
  std::tuple<handle_view, std::uint64_t, std::uint32_t> parts() const;
  deadline default_deadline() const;
  /// @param action  may be empty: nothing is run then
  std::ptrdiff_t pass(deadline until, const std::function<void()>& action) const;

 private:
  std::shared_ptr<const barrier_member> member_;  // never null but after a move
};

}  // namespace detail

/// Lets a number of parties, each a process or a thread, go on when all of them have come; again and again.
///
///   void simulate(ferry::barrier<> step, part mine) {
///     for (int i = 0; i < 1000; ++i) {
///       mine.compute();
///       step.wait();                                  // until all have computed
///       mine.exchange();
///       step.wait();
///     }
///   }
///
/// *The action*, as in `std::barrier`, is what one of the parties does when all have come and before any goes
/// on: `fn<&function>`, a lambda without captures, or a function object whose state can cross.
///
/// *Death.* A process that has waited here is expected again until it has dropped its copies of the barrier.
/// When it ends without that, killed or otherwise, those who wait get a `broken_barrier` that names it,
/// within a fifth of a second. A process that ends before it first comes here is not known: use a timeout.
///
/// A value: copies, here and in other processes, are the same barrier. It crosses to a child that is being
/// started, or anywhere by `transfer::duplicate`. Thread-safe.
template <class Action = no_action>
class barrier : public detail::shared_barrier {
  static_assert(std::is_invocable_v<const Action&>,
                "ferry: the action of a barrier is called without arguments: ferry::fn<&function>, a lambda "
                "without captures, or a function object with a const call operator");
  static_assert(!std::is_pointer_v<Action>,
                "ferry: a pointer to a function cannot cross to another process; name the function: "
                "ferry::fn<&function>");

 public:
  /// In memory of its own, which takes a descriptor.
  /// @param parties  from 1 to `max()`
  /// @param timeout  how long `wait()` waits
  /// @throws usage_error  when parties is not within these
  /// @throws system_error  when memory or descriptors have run out
  explicit barrier(std::ptrdiff_t parties, Action action = Action(),
                   std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max())
      : shared_barrier(parties, timeout), action_(std::move(action)) {}
  /// @param in  takes about 700 bytes there, and 8 for each party
  /// @throws usage_error  when parties is not within these
  /// @throws system_error  when the arena is full
  barrier(const arena& in, std::ptrdiff_t parties, Action action = Action(),
          std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max())
      : shared_barrier(in, parties, timeout), action_(std::move(action)) {}

  /// Blocks until all parties have come, for as long as the timeout of the barrier.
  /// @returns a number from 0 to `parties()` - 1, another one for each party; the last to come has the
  /// highest
  /// @throws broken_barrier  when it breaks, is broken, or is reset meanwhile; a wait that takes too long
  ///                         breaks it
  /// @throws system_error  when more than `parties()` + 64 processes have copies through which they waited
  /// @throws what the action throws, in the party that runs it
  std::ptrdiff_t wait() const { return wait_until(default_deadline()); }
  template <class Rep, class Period>
  std::ptrdiff_t wait_for(std::chrono::duration<Rep, Period> time) const {
    return wait_until(deadline::after(time));
  }
  template <class Clock, class Duration>
  std::ptrdiff_t wait_until(std::chrono::time_point<Clock, Duration> until) const {
    return wait_until(deadline::at(until));
  }
  std::ptrdiff_t wait_until(deadline until) const {
    if constexpr (std::is_same_v<Action, no_action>) {
      return pass(until, nullptr);
    } else {
      return pass(until, [this] { std::invoke(action_); });
    }
  }

 private:
  friend struct reducer<barrier>;
  template <class, bool>
  friend struct detail::barrier_rebuild;
  barrier(unique_handle memory, std::uint64_t offset, std::uint32_t parties, Action action)
      : shared_barrier(std::move(memory), offset, parties), action_(std::move(action)) {}

  [[no_unique_address]] Action action_;
};

namespace detail {

struct barrier_name {
  static constexpr std::string_view name = "ferry.barrier";
};
template <class Action>
inline constexpr auto barrier_wire_name = shareable_wire_name<barrier_name, Action>::value;
template <>
inline constexpr auto barrier_wire_name<no_action> = barrier_name::name;

/// Nothing of it has to be sent: its type says it all.
template <class Action>
inline constexpr bool is_stateless_action = std::is_empty_v<Action>&& std::is_default_constructible_v<Action>;

template <class Action>
struct barrier_rebuild<Action, true> {
  static barrier<Action> rebuild(unique_handle memory, std::uint64_t offset, std::uint32_t parties) {
    return barrier<Action>(std::move(memory), offset, parties, Action());
  }
};
template <class Action>
struct barrier_rebuild<Action, false> {
  static barrier<Action> rebuild(unique_handle memory, std::uint64_t offset, std::uint32_t parties,
                                 Action action) {
    return barrier<Action>(std::move(memory), offset, parties, std::move(action));
  }
};

}  // namespace detail

/// Crosses as the memory it is in, its offset there, and its number of parties, which are checked on arrival
/// (`archive_error`); and the action, unless its type says it all.
template <class Action>
struct reducer<barrier<Action>> : detail::barrier_rebuild<Action, detail::is_stateless_action<Action>> {
  static constexpr auto name = detail::barrier_wire_name<Action>;
  static constexpr bool guarded = true;

  static auto reduce(const barrier<Action>& shared) {
    if constexpr (detail::is_stateless_action<Action>) {
      return shared.parts();
    } else {
      return std::tuple_cat(shared.parts(), std::tuple<const Action&>(shared.action_));
    }
  }
};

}  // namespace ferry
