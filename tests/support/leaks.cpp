// SPDX-License-Identifier: BSL-1.0
// Fails every test case that leaves more, fewer or other descriptors or children than it found.
#include "support/leaks.hpp"

#include <boost/make_shared.hpp>
#include <boost/test/framework.hpp>
#include <boost/test/tree/fixture.hpp>
#include <boost/test/tree/observer.hpp>
#include <boost/test/tree/traverse.hpp>
#include <boost/test/tree/visitor.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <dirent.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>
#include <unistd.h>

namespace ferry::test {
namespace {

std::map<int, std::string> open_descriptors() {
  std::map<int, std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir("/proc/self/fd"), ::closedir);
  if (!directory) return found;
  while (const dirent* const entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    const int fd = std::atoi(entry->d_name);
    if (fd == ::dirfd(directory.get())) continue;
    char target[256];
    const ssize_t length = ::readlinkat(::dirfd(directory.get()), entry->d_name, target, sizeof target);
    found.emplace(fd, length > 0 ? std::string(target, static_cast<std::size_t>(length)) : "?");
  }
  return found;
}

// Children belong to the thread that started them until it ends, so every thread is asked.
std::vector<pid_t> living_children() {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    std::ifstream list(thread.path() / "children");
    found.insert(found.end(), std::istream_iterator<pid_t>(list), {});
  }
  std::sort(found.begin(), found.end());
  return found;
}

class check : public boost::unit_test::test_unit_fixture {
  void setup() override { before_ = holdings::now(); }
  void teardown() override {
    const std::string difference = holdings::now().difference(before_);
    BOOST_CHECK_MESSAGE(difference.empty(), "the case leaves " << difference);
  }

  holdings before_;
};

// Boost.Test has no fixture for every case, so one is put in front of those that each case has by itself.
class watch_every_case : public boost::unit_test::test_observer {
 public:
  watch_every_case() { boost::unit_test::framework::register_observer(*this); }
  ~watch_every_case() override { boost::unit_test::framework::deregister_observer(*this); }
  watch_every_case(const watch_every_case&) = delete;
  watch_every_case& operator=(const watch_every_case&) = delete;

  void test_start(boost::unit_test::counter_t, boost::unit_test::test_unit_id root) override {
    struct : boost::unit_test::test_tree_visitor {
      void visit(const boost::unit_test::test_case& unit) override {
        auto& fixtures = const_cast<boost::unit_test::test_case&>(unit).p_fixtures.value;
        fixtures.insert(fixtures.begin(), boost::make_shared<check>());
      }
    } into_each_case;
    boost::unit_test::traverse_test_tree(root, into_each_case, true);
  }
};

const watch_every_case watching;

}  // namespace

holdings holdings::now() {
  return {open_descriptors(), living_children()};
}

std::string holdings::difference(const holdings& before) const {
  std::string text;
  const auto say = [&text](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  for (const auto& [fd, target] : descriptors) {
    const auto old = before.descriptors.find(fd);
    if (old == before.descriptors.end())
      say("descriptor " + std::to_string(fd) + " (" + target + ") open");
    else if (old->second != target)
      say("descriptor " + std::to_string(fd) + " changed from " + old->second + " to " + target);
  }
  for (const auto& [fd, target] : before.descriptors)
    if (!descriptors.contains(fd)) say("descriptor " + std::to_string(fd) + " (" + target + ") closed");
  for (const pid_t child : children)
    if (!std::binary_search(before.children.begin(), before.children.end(), child))
      say("child " + std::to_string(child) + " not waited for");
  return text;
}

}  // namespace ferry::test
