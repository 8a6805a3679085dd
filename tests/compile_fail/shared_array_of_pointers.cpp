// SPDX-License-Identifier: BSL-1.0
#include <ferry/shared_array.hpp>

#ifdef FERRY_CONTROL
ferry::shared_array<int> array(1);
#else
ferry::shared_array<int*> array(1);
#endif
