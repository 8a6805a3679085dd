// SPDX-License-Identifier: BSL-1.0
// Seats that the kernel gives back, by way of the list of robust futexes of a thread that sleeps.
#include "os/roll.hpp"

#include "base/fork.hpp"
#include "os/handle.hpp"
#include "os/linux/system_calls.hpp"
#include "os/process.hpp"

#include <gsl/assert>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <linux/futex.h>
#include <memory>
#include <mutex>
#include <new>
#include <pthread.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <vector>

namespace ferry::os {
namespace {

/// The first two words of a seat, as the kernel has it.
using link = robust_list;

bool is_held(std::uint32_t life) noexcept {
  return (life & FUTEX_TID_MASK) != 0;
}

/// A thread, and the list of the locks that the kernel gives back when it ends.
///
/// The kernel reads the list at whatever instruction the process ends: each change of it is one store, and
/// what is being done to a lock meanwhile is noted as pending. What this process itself needs to know is kept
/// in its own memory: others can write what is in a seat.
class seat_holder {
 public:
  // The kernel goes no further (ROBUST_LIST_LIMIT is 2048).
  static constexpr std::size_t most = 2000;

  seat_holder() {
    links_.reserve(most);
    start();
  }
  seat_holder(const seat_holder&) = delete;
  seat_holder& operator=(const seat_holder&) = delete;
  ~seat_holder() = default;

  bool is_full() const noexcept { return links_.size() >= most; }
  bool has(const link* which) const noexcept { return std::ranges::find(links_, which) != links_.end(); }

  /// Takes the lock of a seat, unless a process that lives has it.
  /// @param sit  called when the lock is had, and the kernel looks after it
  template <class Sit>
  bool try_lock(link* which, std::atomic<std::uint32_t>& life, Sit&& sit) noexcept {
    std::uint32_t before = life.load();
    if (is_held(before)) return false;
    store(list_.list_op_pending, which);
    const bool taken = life.compare_exchange_strong(before, thread_);
    if (taken) {
      sit();
      store(which->next, list_.list.next);
      store(list_.list.next, which);
    }
    store(list_.list_op_pending, nullptr);
    if (taken) links_.push_back(which);  // there is room
    return taken;
  }
  /// @param leave  called between the two, when the kernel looks after the lock alone
  template <class Leave>
  void unlock(link* which, std::atomic<std::uint32_t>& life, Leave&& leave) noexcept {
    const auto found = std::ranges::find(links_, which);
    link* const before = found + 1 == links_.end() ? &list_.list : *(found + 1);
    link* const after = found == links_.begin() ? &list_.list : *(found - 1);
    store(list_.list_op_pending, which);
    store(before->next, after);
    leave();
    life.store(0);
    store(list_.list_op_pending, nullptr);
    links_.erase(found);
  }

 private:
  static void store(link*& into, link* value) noexcept { __atomic_store_n(&into, value, __ATOMIC_SEQ_CST); }

  void start() {
    list_.list.next = &list_.list;
    list_.futex_offset = sizeof(std::uint64_t);
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    constexpr std::size_t stack = std::size_t{256} << 10U;  // of address space; it uses one page
    ::pthread_attr_setstacksize(&attributes, std::max(stack, static_cast<std::size_t>(PTHREAD_STACK_MIN)));
    // The signals are for the threads of the program.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread{};
    const int code = ::pthread_create(&thread, &attributes, &sleep_for_ever, this);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&attributes);
    if (code != 0) refuse(code);
    // Once in any case, so that joining always makes as many system calls.
    do ask_futex(FUTEX_WAIT_PRIVATE, 0);
    while (started_.load() == 0);
    if (const std::uint32_t outcome = started_.load(); outcome != ready)
      refuse(static_cast<int>(outcome - ready));
  }

  static void* sleep_for_ever(void* self) {
    ::prctl(PR_SET_NAME, "ferry seats");
    auto& it = *static_cast<seat_holder*>(self);
    // The C library has given this thread a list of its own, for its mutexes. It locks none.
    it.thread_ = static_cast<std::uint32_t>(::gettid());
    const bool listed = ::syscall(SYS_set_robust_list, &it.list_, sizeof it.list_) == 0;
    it.started_.store(listed ? ready : ready + static_cast<std::uint32_t>(errno));
    it.ask_futex(FUTEX_WAKE_PRIVATE, 1);  // only the address counts: after an error it may be gone by now
    if (!listed) return nullptr;
    for (;;) ::pause();
  }

  void ask_futex(int operation, std::uint32_t value) noexcept {
    ::syscall(SYS_futex, &started_, operation, value, nullptr, nullptr, 0);
  }

  [[noreturn]] static void refuse(int code) {
    const std::string operation = "start the thread by which others see whether this process lives";
    if (code != EAGAIN) throw_system_error(code, operation);
    rlimit limit{};
    ::getrlimit(RLIMIT_NPROC, &limit);
    throw_system_error(code,
                       operation + ": the limit of processes and threads of this user is " +
                           std::to_string(limit.rlim_cur) +
                           " (a container may have a lower one): end some, or raise it with `ulimit -u`");
  }

  static constexpr std::uint32_t ready = 1;
  robust_list_head list_{};
  std::uint32_t thread_ = 0;
  std::atomic<std::uint32_t> started_{0};
  std::vector<link*> links_;  // the last one is the first of the list
};

/// The threads that hold the seats of this process.
class seat_holders {
 public:
  static seat_holders& instance() {
    // Never destroyed: threads and objects of static duration may outlive any order.
    static seat_holders& all = *new seat_holders;
    return all;
  }

  template <class Use>
  void with_lock(Use&& use) {
    const auto lock = detail::hold_off_forks();
    use();
  }
  seat_holder& with_room() {
    for (const auto& each : all_)
      if (!each->is_full()) return *each;
    all_.reserve(all_.size() + 1);
    return *all_.emplace_back(std::make_unique<seat_holder>());
  }
  seat_holder* holder_of(const link* which) noexcept {
    for (const auto& each : all_)
      if (each->has(which)) return each.get();
    return nullptr;
  }
  static std::size_t count() noexcept { return counted_.load(std::memory_order_relaxed); }
  void recount() noexcept { counted_.store(all_.size(), std::memory_order_relaxed); }

 private:
  seat_holders() {
    // The threads are the parent's, and so are the seats.
    detail::in_each_copy([] {
      instance().all_.clear();
      counted_.store(0, std::memory_order_relaxed);
    });
  }

  std::vector<std::unique_ptr<seat_holder>> all_;
  static inline std::atomic<std::size_t> counted_{0};
};

}  // namespace

void roll::place(std::span<std::byte> memory) noexcept {
  static_assert(offsetof(seat, life) - offsetof(seat, next) == sizeof(std::uint64_t));
  static_assert(sizeof(link*) == sizeof(std::uint64_t), "a roll is for systems of 64 bits");
  Expects(memory.size() >= bytes_for(1));
  Expects(reinterpret_cast<std::uintptr_t>(memory.data()) % alignof(head) == 0);
  head_ = std::launder(reinterpret_cast<head*>(memory.data()));
  seats_ = (memory.size() - sizeof(head)) / sizeof(seat);
}

roll::~roll() {
  if (mine_ == nullptr || !has_joined()) return;
  seat_holders& all = seat_holders::instance();
  all.with_lock([&] {
    auto* const which = reinterpret_cast<link*>(mine_);
    if (seat_holder* const its = all.holder_of(which))
      its->unlock(which, mine_->life, [&] { mine_->who.store(0); });
  });
}

void roll::keep() noexcept {
  // Where leak checkers find it.
  static std::atomic<roll*> last{nullptr};
  kept_before_ = last.load(std::memory_order_relaxed);
  while (!last.compare_exchange_weak(kept_before_, this)) {
  }
}

std::span<roll::seat> roll::used() const noexcept {
  if (head_ == nullptr) return {};
  return {reinterpret_cast<seat*>(head_ + 1), std::min<std::size_t>(head_->used.load(), seats_)};
}

bool roll::has_ended(process_identity which) const noexcept {
  // Who lives and has joined stays where it is, so it is found.
  for (const seat& each : used())
    if (each.who.load() == which) return !is_held(each.life.load());
  return true;
}

void roll::take_seat(process_identity self) {
  seat_holders& all = seat_holders::instance();
  all.with_lock([&] {
    if (joined_.load() == self) return;  // another thread was faster
    seat_holder& with = all.with_room();
    all.recount();
    for (std::size_t i = 0; i < seats_; ++i) {
      seat& one = reinterpret_cast<seat*>(head_ + 1)[i];
      if (!with.try_lock(reinterpret_cast<link*>(&one), one.life, [&] { one.who.store(self); })) continue;
      for (std::uint32_t known = head_->used.load(); known <= i;)
        if (head_->used.compare_exchange_weak(known, static_cast<std::uint32_t>(i + 1))) break;
      mine_ = &one;
      joined_.store(self, std::memory_order_release);
      return;
    }
    throw_all_seats_taken("take part in what is in shared memory: " + std::to_string(seats_) +
                          " processes that live do already: end some, or have them give up their copies of "
                          "it");
  });
}

void throw_all_seats_taken(const std::string& operation) {
  throw_system_error(EUSERS, operation);
}

std::size_t seat_holding_threads() noexcept {
  return seat_holders::count();
}

}  // namespace ferry::os
