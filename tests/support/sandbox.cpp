// SPDX-License-Identifier: BSL-1.0
// Sandboxes by seccomp filters.
#include "support/sandbox.hpp"

#include <array>
#include <cstddef>
#include <cstdio>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <utility>

namespace ferry::test {

bool refuse_system_call(long number, int code) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(code)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

bool kernel_is_since(int major, int minor) {
  utsname about{};
  ::uname(&about);
  int has_major = 0, has_minor = 0;
  return std::sscanf(about.release, "%d.%d", &has_major, &has_minor) == 2 &&
         std::pair(has_major, has_minor) >= std::pair(major, minor);
}

}  // namespace ferry::test
