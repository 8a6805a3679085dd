// SPDX-License-Identifier: BSL-1.0
// Processes that see less of others than usual: in a chroot, without /proc, as another user, in a namespace
// of process ids of their own.
#pragma once

#include "support/child.hpp"

#include <functional>
#include <ostream>

namespace ferry::test {

enum class seclusion {
  none,
  no_proc,      ///< an empty file system lies over /proc
  hidden_proc,  ///< another user, from whom /proc hides the processes of others (hidepid=2)
  chroot,       ///< an empty folder is its root
  own_ids,      ///< process 1 of a namespace of process ids, with the /proc of the parent
  own_proc,     ///< the same, with a /proc of its own
};
std::ostream& operator<<(std::ostream& out, seclusion shown);

/// All of them.
inline constexpr seclusion all_seclusions[] = {seclusion::none,   seclusion::no_proc, seclusion::hidden_proc,
                                               seclusion::chroot, seclusion::own_ids, seclusion::own_proc};

/// For a forked child: runs `work` so secluded, in this process or in a child that ends with it. Nothing of
/// it is seen outside.
/// @returns what `work` returns, 128 and the signal that ended it, or 77 when the system does not allow it
int secluded(seclusion how, const std::function<int()>& work);

/// What `holder` holds in a seclusion is had by nobody in any other before it is killed, and by everybody
/// afterwards.
/// @param take  whether it could be had, and then it is given back: 1, or 0
void check_kept_until_killed(forked_child& holder, seclusion holding, const std::function<int()>& take);

/// Whether the system allows it; if not, a message of the test says so.
bool allows(seclusion how);

}  // namespace ferry::test
