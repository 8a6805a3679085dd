// SPDX-License-Identifier: BSL-1.0
// In a tracking archive the parts of an optional are made first and read afterwards.
#include <ferry/tracking_archive.hpp>

#include <memory>
#include <optional>

class reading {
 public:
  explicit reading(int value) : value_(value) {}
#ifdef FERRY_CONTROL
  reading() = default;
#endif
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& value_;
  }

 private:
  int value_ = 0;
};

void receive(ferry::tracking_iarchive& from, std::optional<reading>& value) {
  from >> value;
}
