// SPDX-License-Identifier: BSL-1.0
// A class with private members and nothing else does not cross.
#include <ferry/archive.hpp>

namespace app {
class account {
 public:
  explicit account(int balance) : balance_(balance) {}
  int balance() const { return balance_; }

 private:
  int balance_;
};
}  // namespace app

#ifdef FERRY_CONTROL
struct plain_account {
  int balance;
};
class serialized_account {
  friend class boost::serialization::access;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& balance_;
  }
  int balance_ = 0;
};
struct reduced_account : app::account {
  using app::account::account;
};
struct registered_account : app::account {
  using app::account::account;
};
template <>
struct ferry::reducer<reduced_account> {
  static constexpr std::string_view name = "app.account";
  static auto reduce(const reduced_account& value) { return std::tuple(value.balance()); }
  static reduced_account rebuild(int balance) { return reduced_account(balance); }
};
template <>
inline constexpr bool ferry::registered_at_run_time<registered_account> = true;

ferry::message send(const std::vector<plain_account>& plain, const serialized_account& serialized,
                    const reduced_account& reduced, const registered_account& registered) {
  ferry::dispatch_table table;
  table.add<registered_account>(
      "account", [](const registered_account&) { return std::tuple(1); },
      [](int balance) { return registered_account(balance); });
  ferry::dumps(plain);
  ferry::dumps(serialized);
  ferry::dumps(reduced);
  return ferry::dumps(registered, {.table = &table});
}
#else
ferry::message send(const std::vector<app::account>& value) {
  return ferry::dumps(value);
}
#endif
