// SPDX-License-Identifier: BSL-1.0
// An object that is const is not read into.
// expect: ferry: an object is to be read that is const.*load_construct_data.*BOOST_CLASS_IS_WRAPPER
// expect: std::(__cxx11::)?(vector<int|basic_string)
// in the header alone
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
