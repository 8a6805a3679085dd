// SPDX-License-Identifier: BSL-1.0
// Semaphores with names: their life, and sharing them with a real Python, both ways.
#include <ferry/error.hpp>
#include <ferry/named_semaphore.hpp>

#include "process/support.hpp"
#include "support/child.hpp"
#include "support/exceptions.hpp"
#include "support/faults.hpp"
#include "support/system_calls.hpp"
#include "support/unused_name.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace ferry;
using namespace ferry::test;
using namespace std::chrono_literals;

namespace {

bool name_exists(const std::string& name) {
  return std::filesystem::exists("/dev/shm/sem." + name.substr(1));
}

/// A Python program that runs beside the test and prints words.
class talking_python {
 public:
  explicit talking_python(const std::string& script, const std::string& arguments = {}) {
    ::setenv("FERRY_TEST_SCRIPT", script.c_str(), 1);
    output_ = ::popen(("exec python3 -c \"$FERRY_TEST_SCRIPT\" " + arguments).c_str(), "re");
    if (output_ == nullptr) throw std::runtime_error("python3 cannot be started");
  }
  ~talking_python() { wait(); }
  talking_python(const talking_python&) = delete;
  talking_python& operator=(const talking_python&) = delete;

  std::string next_word() {
    char word[64] = "";
    return std::fscanf(output_, "%63s", word) == 1 ? word : "";
  }
  /// @returns what it exits with
  int wait() { return output_ == nullptr ? 0 : ::pclose(std::exchange(output_, nullptr)); }

 private:
  FILE* output_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(named_semaphores)

BOOST_AUTO_TEST_CASE(impossible_names_and_values_are_refused) {
  const auto invalid = has_code(std::errc::invalid_argument);
  for (const std::string& name : {std::string("no_slash"), std::string("/"), std::string("/a/b"),
                                  std::string("/a\0b", 4), "/" + std::string(250, 'x')}) {
    BOOST_CHECK_EXCEPTION(named_semaphore::create(1, name), system_error, invalid);
    BOOST_CHECK_EXCEPTION(named_semaphore::open(name), system_error, invalid);
  }
  BOOST_CHECK_THROW(named_semaphore::create(-1), usage_error);
  BOOST_CHECK_THROW(named_semaphore::create(named_semaphore::max() + 1), usage_error);
  BOOST_CHECK_THROW(named_semaphore::create(1).release(0), usage_error);
  BOOST_CHECK_EXCEPTION(named_semaphore::create(named_semaphore::max()).release(), system_error,
                        has_code(std::errc::value_too_large));
  BOOST_CHECK_EXCEPTION(named_semaphore::open("/" + unused_name("nobody")), system_error,
                        has_code(std::errc::no_such_file_or_directory));
}

BOOST_AUTO_TEST_CASE(a_process_out_of_descriptors_is_told_so) {
  const scoped_fd_limit none(0);
  BOOST_CHECK_EXCEPTION(named_semaphore::create(1), system_error, has_code(std::errc::too_many_files_open));
}

BOOST_AUTO_TEST_CASE(a_name_is_taken_until_its_creator_has_gone) {
  const std::string name = "/" + unused_name("taken");
  {
    const named_semaphore made = named_semaphore::create(2, name);
    BOOST_TEST(made.name() == name);
    BOOST_CHECK_EXCEPTION(named_semaphore::create(1, name), system_error, has_code(std::errc::file_exists));
    const named_semaphore opened = named_semaphore::open(name);
    opened.acquire();
    BOOST_TEST(made.value() == 1);
    BOOST_CHECK_EXCEPTION(opened.unlink(), system_error, has_code(std::errc::operation_not_permitted));
    BOOST_TEST(fork_child([&] {
                 const auto copy = std::make_unique<named_semaphore>(made);
                 return copy->try_acquire() ? 0 : 1;
               }) == 0);
    BOOST_TEST(name_exists(name));
    BOOST_TEST(made.value() == 0);
  }
  BOOST_TEST(!name_exists(name));
}

BOOST_AUTO_TEST_CASE(a_name_is_removed_once_and_the_semaphore_stays) {
  const named_semaphore made = named_semaphore::create(1);
  BOOST_TEST(made.name().starts_with("/mp-"));
  const named_semaphore opened = named_semaphore::open(made.name());
  made.unlink();
  BOOST_TEST(!name_exists(made.name()));
  BOOST_CHECK_EXCEPTION(made.unlink(), system_error, has_code(std::errc::no_such_file_or_directory));
  opened.acquire();
  BOOST_TEST(made.value() == 0);
}

BOOST_AUTO_TEST_CASE(a_named_semaphore_counts_and_waits) {
  const named_semaphore permits = named_semaphore::create(1);
  permits.acquire();
  BOOST_TEST(!permits.try_acquire());
  BOOST_TEST(!permits.try_acquire_for(0s));
  const auto begin = deadline::clock::now();
  BOOST_TEST(!permits.try_acquire_for(130ms));
  BOOST_TEST((deadline::clock::now() - begin >= 130ms));
  BOOST_TEST(!permits.try_acquire_until(std::chrono::system_clock::now() + 5ms));
  forked_child other([&] {
    permits.release(2);
    return 0;
  });
  permits.acquire();
  BOOST_TEST(permits.try_acquire_for(patience));
  BOOST_TEST(other.wait() == 0);
}

BOOST_AUTO_TEST_CASE(an_uncontended_named_semaphore_makes_no_system_call) {
  const named_semaphore permits = named_semaphore::create(1);
  BOOST_TEST(count_system_calls([&] {
               for (int i = 0; i < 10; ++i) {
                 permits.acquire();
                 permits.release();
               }
             }) == 0U);
}

BOOST_AUTO_TEST_CASE(a_named_semaphore_crosses_only_to_children_unless_duplicated) {
  const named_semaphore permits = named_semaphore::create(3);
  BOOST_CHECK_THROW(dumps(permits), spawning_error);
  const auto sent = [&] { return dumps(permits, {.mode = transfer::duplicate}); };
  loads<named_semaphore>(sent()).acquire();
  BOOST_TEST(permits.value() == 2);
  message late = sent();
  permits.unlink();
  BOOST_CHECK_THROW(loads<named_semaphore>(std::move(late)), error);
}

BOOST_AUTO_TEST_CASE(a_named_semaphore_shows_its_state) {
  const named_semaphore permits = named_semaphore::create(3, "/" + unused_name("shown"));
  std::ostringstream out;
  out << permits;
  BOOST_TEST(out.str() == "ferry::named_semaphore('" + permits.name() + "', value 3)");
}

namespace {

void create_a_global_one(connection line, const named_semaphore& given) {
  static const named_semaphore global = named_semaphore::create(1);
  given.release();
  tell(line, global.name());
}

}  // namespace

// conformance: TestNamedResource.test_global_named_resource_spawn
BOOST_DATA_TEST_CASE_F(no_forkserver_left, a_child_takes_its_names_along_and_leaves_those_of_others,
                       every_start_method) {
  const named_semaphore mine = named_semaphore::create(0);
  auto [here, there] = pipe();
  std::string name;
  {
    const process child(by(sample), fn<&create_a_global_one>, std::move(there), mine);
    name = hear<std::string>(here);
  }
  BOOST_TEST(!name_exists(name));
  BOOST_TEST(name_exists(mine.name()));
  BOOST_TEST(mine.value() == 1);
}

BOOST_AUTO_TEST_CASE(ferry_and_python_share_the_locks_that_python_made) {
  talking_python other(R"(
import multiprocessing
context = multiprocessing.get_context('spawn')
lock, go, done = context.Lock(), context.Semaphore(0), context.BoundedSemaphore(1)
done.acquire()
lock.acquire()
for each in lock, go, done: print(each._semlock.name, flush=True)
go.acquire()
lock.release()
done.release()
go.acquire()
assert not lock.acquire(timeout=0.05)
done.release()
assert lock.acquire(timeout=30)
print('over', flush=True)
)");
  const named_semaphore lock = named_semaphore::open(other.next_word());
  const named_semaphore go = named_semaphore::open(other.next_word());
  const named_semaphore done = named_semaphore::open(other.next_word());
  BOOST_TEST(!lock.try_acquire_for(10ms));  // Python holds it
  go.release();
  BOOST_TEST(done.try_acquire_for(patience));
  BOOST_TEST(lock.try_acquire());
  go.release();
  BOOST_TEST(done.try_acquire_for(patience));  // Python has tried in vain
  lock.release();
  BOOST_TEST(other.next_word() == "over");
  BOOST_TEST(other.wait() == 0);
  BOOST_TEST(!name_exists(lock.name()));
}

BOOST_AUTO_TEST_CASE(ferry_and_python_share_the_locks_that_ferry_made) {
  const named_semaphore lock = named_semaphore::create(1), go = named_semaphore::create(0);
  lock.acquire();
  talking_python other(R"(
import sys
from _multiprocessing import SemLock
lock, go = (SemLock._rebuild(0, 1, SemLock.SEM_VALUE_MAX, name) for name in sys.argv[1:])
print('attached' if not lock.acquire(False) else 'wrong', flush=True)
lock.acquire()
print('held', flush=True)
go.acquire()
lock.release()
)",
                       lock.name() + " " + go.name());
  BOOST_TEST(other.next_word() == "attached");
  lock.release();
  BOOST_TEST(other.next_word() == "held");
  BOOST_TEST(!lock.try_acquire());
  go.release();
  BOOST_TEST(lock.try_acquire_for(patience));
  BOOST_TEST(other.wait() == 0);
}

BOOST_AUTO_TEST_SUITE_END()
