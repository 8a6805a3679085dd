// SPDX-License-Identifier: BSL-1.0
// The results of `pool::imap`, read as a range while they come.
#pragma once

#include <ferry/detail/base/moved_from.hpp>
#include <ferry/detail/pool/pool_map.hpp>

#include <cstddef>
#include <exception>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace ferry {

/// An input range of results. Reading on reads the input on: it is never more than `max_in_flight` items
/// ahead. An item whose task failed throws where it is looked at, and the next one can be read after that.
/// When the range is dropped before its end, what no worker has begun is not run.
///
/// Not thread-safe; several ranges of one pool may be read at once, by one thread or several.
template <class R, class Feeder, bool Ordered>
class results {
 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = detail::result_value<R>;
    using difference_type = std::ptrdiff_t;

    explicit iterator(results& of) noexcept : of_(&of) {}
    /// @throws what the task of the item threw, or reading the input
    value_type& operator*() const { return of_->current(); }
    iterator& operator++() {
      of_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return at.at_end(); }

   private:
    bool at_end() const noexcept { return of_->ended_; }

    results* of_;
  };

  explicit results(std::unique_ptr<Feeder> feeder) : feeder_(std::move(feeder)) { feeder_->fill(); }
  results(results&&) noexcept = default;
  results& operator=(results&& other) noexcept {
    if (this == &other) return *this;
    // What it reads cannot be assigned, nor need it be.
    std::destroy_at(this);
    return *std::construct_at(this, std::move(other));
  }
  results(const results&) = delete;
  results& operator=(const results&) = delete;
  ~results() {
    if (feeder_ && !ended_) feeder_->cancel();
  }

  /// Waits for the first result, or where the last reader stopped goes on.
  iterator begin() {
    check();
    if (!begun_) advance();
    return iterator(*this);
  }
  std::default_sentinel_t end() const noexcept { return {}; }
  /// False when it was moved from.
  bool valid() const noexcept { return feeder_ != nullptr; }

 private:
  void check() const {
    if (!valid()) detail::throw_empty("range of results");
  }
  detail::result_value<R>& current() {
    check();
    if (thrown_) std::rethrow_exception(thrown_);
    return **value_;
  }

  void advance() {
    check();
    begun_ = true;
    value_.reset();
    thrown_ = nullptr;
    if (!find_task()) {
      thrown_ = std::exchange(input_threw_, nullptr);
      ended_ = thrown_ == nullptr;
      return;
    }
    try {
      value_.emplace([&]() -> detail::result_value<R> { return reading_->next(feeder_->core().packing()); });
    } catch (...) {
      thrown_ = std::current_exception();
    }
    ++done_;
    feeder_->landed(1);
    feeder_->tell_progress(done_);
  }

  /// Goes to the task with the next result. @returns false after the last one
  bool find_task() {
    if (reading_ && !reading_->done()) return true;
    if (reading_) next_ += reading_->count();
    reading_.reset();
    for (;;) {
      if (feeder_->stopped()) {
        feeder_->cancel();
        return false;
      }
      if (!finished_.empty() && (!Ordered || finished_.front()->first == next_)) {
        reading_.emplace(std::move(finished_.front()));
        finished_.pop_front();
        return true;
      }
      feeder_->fill();
      detail::put_in_order(finished_, feeder_->take());
      if (finished_.empty()) break;
    }
    if (!std::exchange(told_, true)) input_threw_ = feeder_->thrown();
    return false;
  }

  std::unique_ptr<Feeder> feeder_;
  detail::task_list finished_;  // before their turn
  std::optional<detail::task_results<R>> reading_;
  std::optional<detail::in_passing<detail::result_value<R>>> value_;
  std::exception_ptr thrown_, input_threw_;
  std::size_t next_ = 0, done_ = 0;
  bool begun_ = false, ended_ = false, told_ = false;
};

}  // namespace ferry
