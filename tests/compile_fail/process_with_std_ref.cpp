// SPDX-License-Identifier: BSL-1.0
#include <ferry/process.hpp>
#include <ferry/shared_value.hpp>

#include <functional>

void count(const int& number);
void count_shared(ferry::shared_value<int> number);

void start(int number, const ferry::shared_value<int>& shared) {
#ifdef FERRY_CONTROL
  ferry::process child(ferry::fn<&count>, number);
  ferry::process other(ferry::fn<&count_shared>, shared);
#else
  ferry::process child(ferry::fn<&count>, std::ref(number));
#endif
}
