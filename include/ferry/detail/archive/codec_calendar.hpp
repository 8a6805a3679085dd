// SPDX-License-Identifier: BSL-1.0
// Dates and times of day: each as the numbers that it is made of, also where these are no date. What a type
// looks like decides, so that <chrono> need not be included.
#pragma once

#include <ferry/detail/archive/codec.hpp>

#include <concepts>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

namespace ferry::detail {

/// day, month, year, weekday, and all that is put together from them.
template <class T>
concept std_calendar = spelled_name<T>()
.starts_with("std::chrono::") && requires(const T& value) {
  { value.ok() } -> std::same_as<bool>;
};

/// A date as what its constructor takes.
template <class T>
auto parts_of_date(const T& date) {
  const auto small = [](unsigned number) { return static_cast<std::uint8_t>(number); };
  const auto after_year = [&](const auto&... parts) {
    if constexpr (requires { date.year(); }) {
      return std::tuple(date.year(), parts...);
    } else {
      return std::tuple(parts...);
    }
  };
  if constexpr (requires { date.weekday_indexed(); }) {
    return after_year(date.month(), date.weekday_indexed());
  } else if constexpr (requires { date.weekday_last(); }) {
    return after_year(date.month(), date.weekday_last());
  } else if constexpr (requires { date.month_day_last(); }) {
    return after_year(date.month_day_last());
  } else if constexpr (requires { date.day(); }) {
    return after_year(date.month(), date.day());
  } else if constexpr (requires { date.month(); }) {
    return after_year(date.month());
  } else if constexpr (requires { date.index(); }) {
    return std::tuple(date.weekday(), small(date.index()));
  } else if constexpr (requires { date.weekday(); }) {
    return std::tuple(date.weekday());
  } else if constexpr (requires { date.c_encoding(); }) {
    return std::tuple(small(date.c_encoding()));
  } else if constexpr (requires { static_cast<int>(date); }) {
    return std::tuple(static_cast<std::int16_t>(static_cast<int>(date)));
  } else {
    return std::tuple(small(static_cast<unsigned>(date)));
  }
}

template <std_calendar T>
struct codec<T> {
  static void save(forking_oarchive& archive, const T& date) {
    std::apply([&](const auto&... each) { (detail::save(archive, each), ...); }, parts_of_date(date));
  }
  static void load(forking_iarchive& archive, T& date) { date = make(archive); }
  static T make(forking_iarchive& archive) {
    return [&]<class... Each>(std::type_identity<std::tuple<Each...>>) {
      return made_values<Each...>(archive).pass_to([](const Each&... each) { return T(each...); });
    }(std::type_identity<decltype(parts_of_date(std::declval<const T&>()))>{});
  }
};

/// hh_mm_ss, as the duration that it breaks down.
template <template <class> class TimeOfDay, class Duration>
requires(spelled_name<TimeOfDay<Duration>>().starts_with("std::chrono::hh_mm_ss<"))  //
    struct codec<TimeOfDay<Duration>> {
  using time = TimeOfDay<Duration>;
  using precision = typename time::precision;

  static void save(forking_oarchive& archive, const time& value) {
    detail::save(archive, value.to_duration());
  }
  static void load(forking_iarchive& archive, time& value) {
    using rep = typename Duration::rep;
    using common = std::common_type_t<precision, Duration>;
    constexpr auto parts = static_cast<typename common::rep>(precision(1) / common(1));
    const auto whole = detail::make<precision>(archive);
    // Otherwise it has no absolute value, or cannot be divided.
    if (whole > precision(common::max().count() / parts) || whole < precision(-common::max().count() / parts))
      archive.fail("a time of day is out of range");
    auto ticks = static_cast<rep>(whole / Duration(1));
    if constexpr (!std::is_floating_point_v<typename common::rep>) {
      // What is left was broken off when the time of day was made, as of a third of a second.
      if (const auto left = whole % Duration(1); left != left.zero())
        ticks = static_cast<rep>(left > left.zero() ? ticks + 1 : ticks - 1);
    }
    value = time(Duration(ticks));
  }
};

}  // namespace ferry::detail
