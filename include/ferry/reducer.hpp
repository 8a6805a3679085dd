// SPDX-License-Identifier: BSL-1.0
// Reducers: how a type with live parts is taken apart and put together again.
#pragma once

#include <string_view>

namespace ferry {

/// Specialise for a type that holds live objects or wants a wire form of its own:
///
///   template <> struct ferry::reducer<frame> {
///     static constexpr std::string_view name = "camera.frame";          // unique among the types that cross
///     static auto reduce(const frame& f) { return std::tuple(f.width, f.height, f.pixels); }
///     static frame rebuild(int w, int h, ferry::shared_memory p) { return {w, h, std::move(p)}; }
///   };
///
/// `reduce` gives the arguments of `rebuild`; each of them may have a reducer of its own. A live part that
/// cannot be copied is given as a `handle_view`, which arrives as a `unique_handle`.
/// `static constexpr bool guarded = true;` makes the type cross only to a child that is being started, unless
/// the transfer mode is `duplicate`.
template <class T>
struct reducer;

}  // namespace ferry
