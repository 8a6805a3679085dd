// A class with private members and nothing else does not cross.
// expect: ferry: this type .* cannot cross to another process: Ways out: make it an
// aggregate.*serialize.*ferry::reducer<T>.*registered_at_run_time<T> expect: app::account
#include <ferry/archive.hpp>

namespace app {
class account {
 public:
  explicit account(int balance) : balance_(balance) {}

 private:
  int balance_;
};
}  // namespace app

#ifdef FERRY_CONTROL
ferry::message send(const std::vector<int>& value) {
  return ferry::dumps(value);
}
#else
ferry::message send(const std::vector<app::account>& value) {
  return ferry::dumps(value);
}
#endif
