// SPDX-License-Identifier: BSL-1.0
// Named shared memory between Ferry and a real Python, both ways.
#include <ferry/error.hpp>
#include <ferry/shared_memory.hpp>

#include "support/python.hpp"
#include "support/unused_name.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>
#include <string>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

// Before 3.13 Python's tracker removes whatever a process attached to when that process ends.
const std::string prologue = R"(
import sys
from multiprocessing import shared_memory, resource_tracker
def untracked(**arguments):
    memory = shared_memory.SharedMemory(**arguments)
    resource_tracker.unregister(memory._name, 'shared_memory')
    return memory
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_memory_python)

// conformance: _TestSharedMemory.test_shared_memory_across_processes
BOOST_AUTO_TEST_CASE(python_attaches_to_what_ferry_made) {
  for (const std::string& name : {std::string(), unused_name("ours")}) {
    const shared_memory memory = shared_memory::create_named(5000, name);
    std::memcpy(memory.span().data(), "ping", 4);
    BOOST_TEST(run_python(prologue + R"(
memory = untracked(name=sys.argv[1])
assert memory.size >= 5000
assert bytes(memory.buf[:4]) == b'ping'
memory.buf[:4] = b'pong'
memory.close()
)",
                          {memory.name()}) == 0);
    BOOST_TEST(std::memcmp(memory.read_span().data(), "pong", 4) == 0);
    BOOST_TEST(shared_memory::open_named(memory.name()).size() == 5000U);
  }
}

BOOST_AUTO_TEST_CASE(python_and_ferry_refuse_a_name_that_the_other_has_taken) {
  const std::string name = unused_name("taken");
  const shared_memory memory = shared_memory::create_named(10, name);
  BOOST_TEST(run_python(prologue + R"(
try:
    shared_memory.SharedMemory(name=sys.argv[1], create=True, size=10)
except FileExistsError:
    sys.exit(0)
sys.exit(1)
)",
                        {name}) == 0);
}

BOOST_AUTO_TEST_CASE(ferry_attaches_to_what_python_made_and_leaves_it_there) {
  const std::string name = unused_name("theirs");
  BOOST_REQUIRE(run_python(prologue + R"(
memory = untracked(name=sys.argv[1], create=True, size=5000)
memory.buf[:4] = b'ping'
memory.close()
)",
                           {name}) == 0);
  {
    shared_memory memory = shared_memory::open_named(name);
    BOOST_TEST(memory.size() == 5000U);
    BOOST_TEST(std::memcmp(memory.read_span().data(), "ping", 4) == 0);
    std::memcpy(memory.span().data(), "pong", 4);
    BOOST_CHECK_THROW(memory.unlink(), system_error);
    BOOST_CHECK_THROW(shared_memory::create_named(10, name), system_error);
  }
  BOOST_TEST(run_python(prologue + R"(
memory = shared_memory.SharedMemory(name=sys.argv[1])
assert bytes(memory.buf[:4]) == b'pong'
memory.close()
memory.unlink()
)",
                        {name}) == 0);
  BOOST_CHECK_THROW(shared_memory::open_named(name), system_error);
}

BOOST_AUTO_TEST_SUITE_END()
