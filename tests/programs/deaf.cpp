// SPDX-License-Identifier: BSL-1.0
// A program that does not end and knows nothing of Ferry.
#include <unistd.h>

int main() {
  for (;;) ::pause();
}
