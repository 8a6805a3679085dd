// SPDX-License-Identifier: BSL-1.0
// An object that is const is not read into.
#include <ferry/archive.hpp>

#ifdef FERRY_CONTROL
void receive(ferry::forking_iarchive& archive, std::vector<int>& numbers) {
  archive >> numbers;
}
#else
void receive(ferry::forking_iarchive& archive, const std::vector<int>& numbers) {
  archive >> numbers;
}
#endif
