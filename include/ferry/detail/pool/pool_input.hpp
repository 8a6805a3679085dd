// SPDX-License-Identifier: BSL-1.0
// Inputs of a pool's calls: ranges of the standard, and whatever else `for` goes through.
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <ranges>
#include <type_traits>
#include <utility>

namespace ferry::detail {

namespace found_by_name {
using std::begin;
using std::end;
template <class Range>
auto begin_of(Range& range) -> decltype(begin(range)) {
  return begin(range);
}
template <class Range>
auto end_of(Range& range) -> decltype(end(range)) {
  return end(range);
}
}  // namespace found_by_name

/// A range for `for`, but none of the standard: its iterators cannot be made out of nothing, as those of some
/// adaptors of Boost cannot that hold a function.
template <class Range>
concept legacy_range = !std::ranges::range<Range> && requires(std::remove_reference_t<Range> & range) {
  *found_by_name::begin_of(range);
  ++found_by_name::begin_of(range);
  { found_by_name::begin_of(range) == found_by_name::end_of(range) } -> std::convertible_to<bool>;
};

template <class Range>
concept pool_input = std::ranges::input_range<Range> || legacy_range<Range>;

/// What is kept of an input that is given as a `Range&&`: a view itself, and a range that is given away; of
/// another a reference. As std::views::all has it, which Clang 14 does not compile.
template <class Range>
using held_input =
    std::conditional_t<std::is_lvalue_reference_v<Range> && !std::ranges::view<std::remove_cvref_t<Range>>,
                       Range, std::remove_cvref_t<Range>>;

/// Such a range as one of the standard that is read once.
template <class Range>
class adapted_input {
  using underlying = std::remove_reference_t<Range>;
  using first = decltype(found_by_name::begin_of(std::declval<underlying&>()));
  using last = decltype(found_by_name::end_of(std::declval<underlying&>()));

 public:
  class iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using reference = decltype(*std::declval<first&>());
    using value_type = std::remove_cvref_t<reference>;
    using difference_type = std::ptrdiff_t;

    iterator(first at, last end) : at_(std::move(at)), end_(std::move(end)) {}
    reference operator*() const { return *at_; }
    iterator& operator++() {
      ++at_;
      return *this;
    }
    void operator++(int) { ++at_; }
    friend bool operator==(const iterator& it, std::default_sentinel_t) { return it.at_ == it.end_; }

   private:
    first at_;
    last end_;
  };

  explicit adapted_input(Range&& of) : range_(std::forward<Range>(of)) {}
  iterator begin() { return {found_by_name::begin_of(range_), found_by_name::end_of(range_)}; }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Range range_;
};

template <class Range>
struct input_kind {
  using type = held_input<Range>;
};
template <legacy_range Range>
struct input_kind<Range> {
  using type = adapted_input<held_input<Range>>;
};
/// How a pool keeps an input that is given as a `Range&&`.
template <class Range>
using kept_input = typename input_kind<Range>::type;

template <class Range>
using input_element = std::ranges::range_reference_t<std::remove_reference_t<kept_input<Range>>>;

}  // namespace ferry::detail
