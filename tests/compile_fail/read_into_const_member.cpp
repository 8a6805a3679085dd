// SPDX-License-Identifier: BSL-1.0
// A const member is not read into, named or not.
#include <ferry/archive.hpp>

template <class Number>
struct settings {
  Number limit = 3;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& boost::serialization::make_nvp("limit", limit);
  }
};

#ifdef FERRY_CONTROL
using received = settings<int>;
#else
using received = settings<const int>;
#endif
received receive(ferry::message from) {
  return ferry::loads<received>(std::move(from));
}
