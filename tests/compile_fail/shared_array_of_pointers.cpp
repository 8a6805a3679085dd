// SPDX-License-Identifier: BSL-1.0
// expect: ferry: a pointer means nothing in another process; share an index or an offset instead
// in the header alone
#include <ferry/shared_array.hpp>

#ifdef FERRY_CONTROL
ferry::shared_array<int> array(1);
#else
ferry::shared_array<int*> array(1);
#endif
