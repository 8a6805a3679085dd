// SPDX-License-Identifier: BSL-1.0
// fn<&work>: a function as something that can be named in another process.
#pragma once

#include <ferry/detail/process/callable.hpp>

namespace ferry {

/// A function as a value that crosses by name. A program that mentions `fn<&work>` can be asked to call
/// `work`.
template <auto Function>
struct fn_t {
  static_assert(std::is_function_v<std::remove_pointer_t<decltype(Function)>> ||
                    std::is_member_function_pointer_v<decltype(Function)>,
                "ferry: ferry::fn takes the address of a function: ferry::fn<&work>");
  static constexpr auto function = Function;

  constexpr fn_t() noexcept { static_cast<void>(&known); }

  template <class... Args>
  decltype(auto) operator()(Args&&... args) const {
    return std::invoke(Function, std::forward<Args>(args)...);
  }

 private:
  using entry = detail::entry_of<fn_t, decltype(detail::parameters_of(Function))>;
  static constexpr const detail::callable& known = entry::entry;
};

template <auto Function>
inline constexpr fn_t<Function> fn{};

}  // namespace ferry
