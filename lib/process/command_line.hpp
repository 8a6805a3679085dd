// SPDX-License-Identifier: BSL-1.0
// Command-line arguments that tell a started program what it is.
#pragma once

#include <string_view>

namespace ferry::detail {

inline constexpr std::string_view child_argument = "--ferry-child";        ///< channel passed
inline constexpr std::string_view daemon_argument = "--ferry-daemon";      ///< and a lifeline
inline constexpr std::string_view announce_argument = "--ferry-announce";  ///< the parent waits to hear of it
inline constexpr std::string_view forkserver_argument =
    "--ferry-forkserver";  ///< channel of the clients passed

/// The end of what is said of a program that does not understand these.
inline constexpr const char* need_of_init =
    ": ferry::init(argc, argv) has to be called in its main, before anything else looks at the arguments (a "
    "test framework, say)";

}  // namespace ferry::detail
