// SPDX-License-Identifier: BSL-1.0
// A type that only its reducer can make.
#pragma once

#include <ferry/reducer.hpp>

#include <compare>
#include <string_view>
#include <tuple>

namespace ferry::test {

struct not_default {
  int value;
  explicit not_default(int v) : value(v) {}
  friend auto operator<=>(const not_default&, const not_default&) = default;
};

}  // namespace ferry::test

template <>
struct ferry::reducer<ferry::test::not_default> {
  static constexpr std::string_view name = "test.not_default";
  static auto reduce(const test::not_default& n) { return std::tuple(n.value); }
  static test::not_default rebuild(int value) { return test::not_default(value); }
};
