// SPDX-License-Identifier: BSL-1.0
// The way from what is sent to what cannot cross is in the compiler's words.
#include <ferry/connection.hpp>
#include <ferry/mutex.hpp>

#include <map>
#include <mutex>
#include <string>

struct account {
#ifdef FERRY_CONTROL
  ferry::mutex guard;
#else
  std::mutex guard;
#endif
  int balance;
};
struct bank {
  std::map<std::string, account> accounts;
};

void send(ferry::connection& to, const bank& value) {
  to.send(value);
}
