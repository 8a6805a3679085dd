// Wire names that are put together while the program is compiled.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ferry::detail {

/// Text of a length that is known in the end.
struct built_name {
  std::array<char, 256> text{};
  std::size_t size = 0;

  constexpr built_name& operator+=(std::string_view more) {
    for (const char c : more) text.at(size++) = c;
    return *this;
  }
  constexpr built_name& operator+=(long long number) {
    if (number < 0) *this += "-";
    const auto rest =
        number < 0 ? 0 - static_cast<unsigned long long>(number) : static_cast<unsigned long long>(number);
    if (rest >= 10) *this += static_cast<long long>(rest / 10);
    const char digit = static_cast<char>('0' + rest % 10);
    return *this += std::string_view(&digit, 1);
  }
  constexpr std::string_view view() const noexcept { return {text.data(), size}; }
};

}  // namespace ferry::detail
