// SPDX-License-Identifier: BSL-1.0
// Whose turn it is to look after the workers of a pool: one of the threads that wait, or the pool's own.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/engine.hpp>
#include <ferry/handle.hpp>

#include "pool/doorbell.hpp"

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

namespace ferry::detail {

/// What is done by the thread whose turn it is, always under the pool's lock.
class turn_work {
 public:
  using lock_type = std::unique_lock<std::mutex>;

  /// Takes the answers that there are and gives out tasks. May give the lock back for a while.
  /// @returns whether there were answers
  virtual bool look(lock_type& lock) = 0;
  /// What is left to do when no answer has come for a moment.
  /// @returns whether there is a reason to look again at once
  virtual bool look_closer() = 0;
  /// Dead, late and missing workers: the keeper's part.
  virtual void look_after_workers(lock_type& lock) = 0;
  /// Has the keeper look after what is left when the last of those who wait leaves.
  virtual void leave_to_keeper() noexcept = 0;

 protected:
  ~turn_work() = default;
};

/// A leader and its followers (the leader/followers pattern; D. Schmidt and others, Pattern-Oriented Software
/// Architecture 2). Of the threads that wait for a task the first is the leader: it looks for answers and
/// sleeps until the workers' doorbell rings. The others follow: they sleep until something has changed, and
/// one of them leads when the leader leaves. The keeper, the pool's own thread, sleeps until the doorbell
/// rings only while none leads.
///
/// All under the pool's lock, which is given back by whoever sleeps.
class turns {
 public:
  using lock_type = turn_work::lock_type;

  /// @throws system_error  when memory or descriptors have run out; it takes three
  explicit turns(turn_work& work) : work_(work) {}

  doorbell& bell() noexcept { return bell_; }

  /// Waits until `ready`. @returns what it is then
  /// @param comes_back  asked when the caller is the last to leave: whether it soon waits again, so that
  ///                    nothing need be left to the keeper
  /// @param is_keeper  the caller is the pool's own thread, in a callback
  bool wait(lock_type& lock, const std::function<bool()>& ready, deadline until,
            const std::function<bool()>& comes_back, bool is_keeper);

  bool somebody_leads() const noexcept { return leading_; }
  /// To be called before answers are looked for: what rings from here on has not been heard.
  void listen_anew() noexcept { heard_ = listener_.count(); }

  /// Something has changed that followers may wait for.
  void changed() noexcept;
  /// Something has changed that the leader may wait for, too.
  void changed_for_all() noexcept;

  /// Has the keeper look at everything soon. The one without a lock is for any thread.
  void call_keeper() noexcept;
  void call_keeper_without_lock() noexcept { listener_.wake_keeper(); }
  /// Has the keeper woken by the next ring.
  /// @returns false when the doorbell has rung since `listen_anew`: there is something to look at
  bool keeper_listens() noexcept { return listener_.call_keeper(heard_); }
  /// Whether the keeper sleeps for longer than that.
  bool keeper_sleeps_beyond(deadline when) const noexcept {
    return when.remaining() < keeper_wakes_.remaining();
  }

  // The keeper's.
  /// It is about to look at everything.
  void keeper_begins() noexcept { keeper_called_ = false; }
  bool keeper_was_called() const noexcept { return keeper_called_; }
  /// Sleeps until it is called, the doorbell rings for it, one of `deaths` is readable, or `wakes` has
  /// passed.
  /// @param leads  no other thread does: it wakes now and then to see whether all is well
  void keeper_sleeps(lock_type& lock, handle_view deaths, deadline wakes, bool leads);

 private:
  void lead(lock_type& lock, deadline until);
  void follow(lock_type& lock, deadline until);

  turn_work& work_;
  std::condition_variable changed_;
  doorbell bell_;
  doorbell_listener listener_{bell_};
  std::uint32_t heard_ = 0;  // the count of the doorbell when answers were last looked for
  bool leading_ = false;
  std::size_t following_ = 0;
  bool keeper_called_ = false;
  deadline keeper_wakes_ = deadline::immediately();
};

}  // namespace ferry::detail
