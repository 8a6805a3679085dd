// SPDX-License-Identifier: BSL-1.0
// What is marked as not serialisable does not cross, though it is an aggregate.
#include <ferry/archive.hpp>

namespace app {
struct secret {
  int number;
};
}  // namespace app
#ifndef FERRY_CONTROL
BOOST_CLASS_IMPLEMENTATION(app::secret, boost::serialization::not_serializable)
#endif

ferry::message send(const std::vector<app::secret>& value) {
  return ferry::dumps(value);
}
