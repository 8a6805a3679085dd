// SPDX-License-Identifier: BSL-1.0
// What owns more than its bytes does not cross as its bytes.
#include <ferry/archive.hpp>

namespace app {
struct name {
  std::string text;
};
}  // namespace app
#ifndef FERRY_CONTROL
BOOST_CLASS_IMPLEMENTATION(app::name, boost::serialization::primitive_type)
#endif

ferry::message send(const app::name& value) {
  return ferry::dumps(value);
}
