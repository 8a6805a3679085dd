// SPDX-License-Identifier: BSL-1.0
// Workers that give up rights, in a user namespace, where who may signal whom is a matter of users.
#include <ferry/pool.hpp>

#include "os/socket.hpp"
#include "process/support.hpp"

#include <csignal>
#include <fstream>
#include <grp.h>
#include <sched.h>
#include <string>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

constexpr unsigned first_of_namespace = 100'000;

void become_another_user() {
  if (::setgid(1000) != 0 || ::setuid(1000) != 0) throw std::runtime_error("cannot change the user");
}
struct other_user {};
other_user make_other_user() {
  become_another_user();
  return {};
}
void tell_user_and_hold(connection line) {
  tell(line, ::geteuid());
  wait_for_end(std::move(line));
}

/// Root of a user namespace, as in a container without rights outside. Does `work` there, and waits to be
/// killed.
class contained_root {
 public:
  template <class Work>
  explicit contained_root(Work work)
      : child_([this, work] {
          if (::unshare(CLONE_NEWUSER) != 0) return 1;
          to_test_.first.reset();
          to_child_.second.reset();
          char word = 0;
          if (::write(to_test_.second.native(), "u", 1) != 1 ||
              ::read(to_child_.first.native(), &word, 1) != 1 || ::setgroups(0, nullptr) != 0 ||
              ::setgid(0) != 0 || ::setuid(0) != 0)
            return 1;
          work();
          for (;;) ::pause();
          return 0;
        }) {
    to_test_.second.reset();
    char word = 0;
    if (::read(to_test_.first.native(), &word, 1) != 1) return;
    const std::string folder = "/proc/" + std::to_string(child_.pid()) + "/";
    const std::string all = "0 " + std::to_string(first_of_namespace) + " 65536\n";
    for (const char* const map : {"uid_map", "gid_map"}) {
      std::ofstream file(folder + map);
      file << all << std::flush;
      if (!file) return;
    }
    is_made_ = ::write(to_child_.second.native(), "m", 1) == 1;
  }
  bool is_made() const noexcept { return is_made_; }
  void kill() {
    child_.signal(SIGKILL);
    child_.wait();
  }

 private:
  os::handle_pair to_test_ = os::plain_pipe(), to_child_ = os::plain_pipe();
  bool is_made_ = false;
  forked_child child_;
};

/// @param line  to a worker of the owner's, which tells its user
void check_that_another_user_dies_with(contained_root& owner, connection& line) {
  if (!owner.is_made()) {
    BOOST_TEST_MESSAGE("cannot be tested here: no right to make a user namespace with users of its own");
    return;
  }
  BOOST_TEST(hear<::uid_t>(line) == 1000U);
  owner.kill();
  BOOST_TEST(all_gone(line));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rights)

BOOST_AUTO_TEST_CASE(a_worker_that_its_initializer_made_another_user_dies_with_its_pool) {
  auto [here, there] = pipe();
  contained_root owner([&end = there] {
    static auto& workers = *new pool(1, pool_options(), fn<&become_another_user>);
    workers.submit(fn<&tell_user_and_hold>, end);
    end.close();
  });
  there.close();
  check_that_another_user_dies_with(owner, here);
}

BOOST_AUTO_TEST_CASE(a_worker_that_its_state_made_another_user_dies_with_its_pool) {
  auto [here, there] = pipe();
  contained_root owner([&end = there] {
    static auto& workers = *new pool(1);
    workers.with_state<other_user>(fn<&make_other_user>)
        .submit([](other_user&, connection line) { tell_user_and_hold(std::move(line)); }, end);
    end.close();
  });
  there.close();
  check_that_another_user_dies_with(owner, here);
}

BOOST_AUTO_TEST_SUITE_END()
