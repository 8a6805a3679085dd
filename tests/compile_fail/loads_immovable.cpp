// SPDX-License-Identifier: BSL-1.0
// What cannot be moved cannot be returned.
#include <ferry/archive.hpp>

#include <memory>
#include <string>
#include <utility>

struct account {
  account() = default;
  account(const account&) = delete;
  account& operator=(const account&) = delete;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& owner;
  }
  std::string owner;
};
struct movable : account {
  movable() = default;
  movable(movable&& from) noexcept { owner = std::move(from.owner); }
};

#ifdef FERRY_CONTROL
std::size_t receive(ferry::message one, ferry::message other, ferry::message third) {
  account there;
  ferry::loads_into(there, std::move(one));
  const auto made = ferry::loads<std::unique_ptr<account>>(std::move(other));
  return there.owner.size() + made->owner.size() + ferry::loads<movable>(std::move(third)).owner.size();
}
#else
std::size_t receive(ferry::message from) {
  return ferry::loads<account>(std::move(from)).owner.size();
}
#endif
