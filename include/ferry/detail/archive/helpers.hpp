// SPDX-License-Identifier: BSL-1.0
// Helpers of Boost.Serialization: what user code keeps in an archive while it works.
#pragma once

#include <memory>
#include <typeinfo>
#include <vector>

namespace ferry::detail {

/// Objects by id and type, each made when it is first asked for. Boost looks at the id alone, so that two
/// libraries with one id and different types would get each other's objects.
class helpers {
 public:
  static helpers& of(std::unique_ptr<helpers>& owner) {
    if (!owner) owner = std::make_unique<helpers>();
    return *owner;
  }

  template <class Helper>
  Helper& get(const void* id) {
    for (const helper& each : all_) {
      if (each.id == id && *each.type == typeid(Helper)) return *static_cast<Helper*>(each.object.get());
    }
    const auto fresh = std::make_shared<Helper>();
    all_.push_back({id, &typeid(Helper), fresh});
    return *fresh;
  }

 private:
  struct helper {
    const void* id;
    const std::type_info* type;
    std::shared_ptr<void> object;
  };
  std::vector<helper> all_;
};

class dispatch_entry;

/// The classes that user code has registered with one archive, by `register_type`: what a dispatch table is
/// for many archives.
struct registered_types {
  std::vector<const dispatch_entry*> entries;
};

}  // namespace ferry::detail
