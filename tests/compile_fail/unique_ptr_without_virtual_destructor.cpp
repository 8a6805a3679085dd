// SPDX-License-Identifier: BSL-1.0
// What arrives behind a base could not be deleted.
#include <ferry/archive.hpp>

struct shape {
  virtual int area() const { return 0; }
};
struct proper_shape {
  virtual int area() const { return 0; }
  virtual ~proper_shape() = default;
};

#ifdef FERRY_CONTROL
std::unique_ptr<proper_shape> receive(ferry::message from) {
  return ferry::loads<std::unique_ptr<proper_shape>>(std::move(from));
}
#else
std::unique_ptr<shape> receive(ferry::message from) {
  return ferry::loads<std::unique_ptr<shape>>(std::move(from));
}
#endif
