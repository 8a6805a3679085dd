// SPDX-License-Identifier: BSL-1.0
// What control groups and the affinity leave to a process.
#include <ferry/arena.hpp>
#include <ferry/connection.hpp>
#include <ferry/error.hpp>
#include <ferry/process.hpp>
#include <ferry/queue.hpp>
#include <ferry/shared_memory.hpp>

#include "support/child.hpp"
#include "support/sanitizer.hpp"
#include "support/unused_name.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sched.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;

/// A control group that was made for a test, of either version; removed when dropped.
class control_group {
 public:
  /// @param controller  "memory" or "cpu"
  /// @returns nothing when the system does not let this process make one
  static std::optional<fs::path> try_make(const std::string& controller, const fs::path& parent = {}) {
    for (const fs::path& root : parent.empty() ? roots_of(controller) : std::vector<fs::path>{parent}) {
      std::error_code problem;
      const fs::path made = root / ("ferry-test-" + std::to_string(::getpid()));
      if (!fs::create_directory(made, problem)) continue;
      if (fs::exists(made / limit_file(controller, made))) return made;
      fs::remove(made, problem);
    }
    return std::nullopt;
  }
  static std::string limit_file(const std::string& controller, const fs::path& in) {
    const bool unified = fs::exists(in / "cgroup.controllers");
    if (controller == "memory") return unified ? "memory.max" : "memory.limit_in_bytes";
    return unified ? "cpu.max" : "cpu.cfs_quota_us";
  }

  explicit control_group(const std::string& controller) : controller_(controller) {
    if (auto made = try_make(controller)) folder_ = *made;
    if (folder_.empty()) BOOST_TEST_MESSAGE("skipped: no control group of " << controller << " can be made");
  }
  ~control_group() {
    std::error_code problem;
    if (!inner_.empty()) remove(inner_);
    if (!folder_.empty()) remove(folder_);
  }
  control_group(const control_group&) = delete;
  control_group& operator=(const control_group&) = delete;

  bool is_made() const { return !folder_.empty(); }
  void limit(const std::string& value) { write(folder_ / limit_file(controller_, folder_), value); }
  /// Puts a group without a limit inside. @returns whether that can be
  bool nest() {
    write(folder_ / "cgroup.subtree_control", "+" + controller_);
    if (auto made = try_make(controller_, folder_)) inner_ = *made;
    return !inner_.empty();
  }
  /// For a child: goes into the innermost.
  bool enter() const {
    return write((inner_.empty() ? folder_ : inner_) / "cgroup.procs", std::to_string(::getpid()));
  }

 private:
  static std::vector<fs::path> roots_of(const std::string& controller) {
    std::vector<fs::path> found;
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
      const std::string own = line.substr(line.rfind(':') + 1);
      const bool unified = line.rfind("0::", 0) == 0;
      const std::string names = "," + line.substr(line.find(':') + 1);
      if (!unified &&
          names.substr(0, names.find(':')).append(",").find("," + controller + ",") == std::string::npos)
        continue;
      for (const std::string& base :
           unified ? std::vector<std::string>{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}
                   : std::vector<std::string>{"/sys/fs/cgroup/" + controller})
        for (const std::string& path : {own, std::string("/")})
          if (fs::exists(base + path + "/cgroup.procs")) found.emplace_back(base + path);
    }
    return found;
  }
  static bool write(const fs::path& file, const std::string& value) {
    std::ofstream out(file);
    out << value << std::flush;
    return out.good();
  }
  // Processes leave it a moment after their end.
  static void remove(const fs::path& folder) {
    std::error_code problem;
    wait_until([&] { return fs::remove(folder, problem) || !fs::exists(folder); });
  }

  std::string controller_;
  fs::path folder_, inner_;
};

/// 0 if it is an exception that names the limit and a cure.
int is_refused(const std::function<void()>& make) {
  try {
    make();
    return 1;
  } catch (const system_error& refusal) {
    const std::string text = refusal.what();
    return refusal.code() == std::errc::not_enough_memory && text.find("104857600") != std::string::npos &&
                   text.find("raise the limit") != std::string::npos
               ? 0
               : 2;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_from_outside)

BOOST_AUTO_TEST_CASE(memory_beyond_the_limit_of_a_control_group_is_an_exception_and_kills_nobody) {
  control_group group("memory");
  if (!group.is_made()) return;
  group.limit("104857600");
  const std::string name = unused_name("promised");
  // By another program, and only promised.
  const unique_handle promised(::open(("/dev/shm/" + name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  BOOST_REQUIRE(::ftruncate(promised.native(), 300 * mebibyte) == 0);
  const auto in_group = [&](const std::function<void()>& make) {
    return fork_child([&] { return group.enter() ? is_refused(make) : 77; });
  };
  for (const bool nested : {false, true}) {
    if (nested && !group.nest()) break;
    BOOST_TEST(in_group([] { shared_memory(300 * mebibyte); }) == 0);
    BOOST_TEST(in_group([] { arena(300 * mebibyte); }) == 0);
    BOOST_TEST(in_group([] { shared_memory::create_named(300 * mebibyte); }) == 0);
    BOOST_TEST(in_group([&] { shared_memory::open_named(name); }) == 0);
    if (!with_shadow_memory) {
      BOOST_TEST(in_group([] {
                   queue<std::string> items;
                   for (int i = 0; i < 300; ++i) items.put(std::string(mebibyte, 'x'));
                 }) == 0);
    }
    BOOST_TEST(in_group([] {
                 auto [here, there] = pipe();
                 here.send(std::string(60 * mebibyte, 'x'));
               }) == 0);
    BOOST_TEST(in_group([] {
                 std::vector<shared_memory> many;
                 for (int i = 0; i < 300; ++i) many.emplace_back(mebibyte / 2);
               }) == 0);
  }
  ::unlink(("/dev/shm/" + name).c_str());
  BOOST_TEST(fork_child([&] {
               if (!group.enter()) return 77;
               const shared_memory fits(40 * mebibyte);
               return fits.size() == 40 * mebibyte ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(memory_that_files_take_up_in_a_control_group_can_be_had) {
  control_group group("memory");
  if (!group.is_made()) return;
  group.limit("104857600");
  const fs::path file = fs::temp_directory_path() / unused_name("cached");
  BOOST_TEST(fork_child([&] {
               if (!group.enter()) return 77;
               std::ofstream out(file, std::ios::binary);
               const std::string block(mebibyte, 'x');
               for (int i = 0; i < 90; ++i) out << block;
               out.close();
               return shared_memory(60 * mebibyte).size() == 60 * mebibyte ? 0 : 1;
             }) == 0);
  fs::remove(file);
}

BOOST_AUTO_TEST_CASE(the_processors_are_those_that_the_affinity_allows) {
  BOOST_TEST(fork_child([] {
               cpu_set_t all;
               CPU_ZERO(&all);
               if (::sched_getaffinity(0, sizeof all, &all) != 0) return 77;
               cpu_set_t one;
               CPU_ZERO(&one);
               for (std::size_t i = 0; CPU_COUNT(&one) == 0; ++i)
                 if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
               if (::sched_setaffinity(0, sizeof one, &one) != 0) return 77;
               return static_cast<int>(cpu_count());
             }) == 1);
}

BOOST_AUTO_TEST_CASE(the_processors_are_no_more_than_the_quota_of_a_control_group) {
  control_group group("cpu");
  if (!group.is_made()) return;
  const auto count_in_group = [&] {
    return fork_child([&] { return group.enter() ? static_cast<int>(cpu_count()) : 77; });
  };
  group.limit("50000");  // of 100000
  BOOST_TEST(count_in_group() == 1);
  if (group.nest()) BOOST_TEST(count_in_group() == 1);
  if (cpu_count() < 2) return;
  group.limit("101000");
  BOOST_TEST(count_in_group() == 2);
  group.limit("99000");
  BOOST_TEST(count_in_group() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
