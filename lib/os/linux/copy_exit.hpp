// SPDX-License-Identifier: BSL-1.0
// The exit of a forked copy of a process.
#pragma once

namespace ferry::os {

/// For a forked child, first of all: at its exit it runs what it has registered and made from now on, and
/// nothing that its parent had, whose files such handlers may delete. As CPython since 3.13. Destructors of
/// thread_local objects of the thread that forked do run.
void leave_parents_exit_alone() noexcept;

}  // namespace ferry::os
