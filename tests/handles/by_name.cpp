// SPDX-License-Identifier: BSL-1.0
// Live objects that are read by their wire names, without a type at hand.
#include <ferry/any_object.hpp>
#include <ferry/barrier.hpp>
#include <ferry/condition_variable.hpp>
#include <ferry/connection.hpp>
#include <ferry/event.hpp>
#include <ferry/file.hpp>
#include <ferry/message.hpp>
#include <ferry/mutex.hpp>
#include <ferry/named_semaphore.hpp>
#include <ferry/once_flag.hpp>
#include <ferry/process_handle.hpp>
#include <ferry/semaphore.hpp>
#include <ferry/shared_memory.hpp>
#include <ferry/socket.hpp>

#include "os/socket.hpp"
#include "support/crossing.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <unistd.h>
#include <utility>

using namespace ferry;
using namespace ferry::test;

namespace {

template <class T>
void check_read_by_name(const T& sent) {
  any_object arrived = loads_any(dumps(sent, any_time), any_time);
  BOOST_TEST(arrived.name() == std::string(reducer<T>::name));
  BOOST_TEST(arrived.template holds<T>());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reading_live_objects_by_name)

BOOST_AUTO_TEST_CASE(a_type_of_ferrys_own_without_parameters_is_read_by_its_name) {
  check_read_by_name(barrier<>(2));
  check_read_by_name(bounded_semaphore(1));
  check_read_by_name(condition_variable());
  check_read_by_name(event());
  check_read_by_name(file::open("/dev/null", file::mode::read));
  check_read_by_name(mutex());
  check_read_by_name(named_semaphore::create(1, "/ferry_by_name_" + std::to_string(::getpid())));
  check_read_by_name(once_flag());
  check_read_by_name(process_handle::open(::getpid()));
  check_read_by_name(recursive_mutex());
  check_read_by_name(semaphore(1));
  check_read_by_name(shared_memory(1));
  check_read_by_name(ferry::socket::adopt(std::move(os::stream_socket_pair().first)));
}

BOOST_AUTO_TEST_CASE(a_connection_read_by_its_name_works_the_ways_that_it_worked) {
  auto [reader, writer] = pipe(false);
  check_read_by_name(reader);
  auto arrived = loads_any(dumps(writer)).get<connection>();
  arrived.send(std::string("by name"));
  BOOST_TEST(reader.recv<std::string>() == "by name");
  BOOST_CHECK_THROW(arrived.recv<int>(), system_error);
}

BOOST_AUTO_TEST_CASE(a_message_read_by_its_name_has_its_handles) {
  const shared_memory memory(1);
  auto arrived = loads_any(dumps(dumps(memory))).get<message>();
  loads<shared_memory>(std::move(arrived)).span()[0] = std::byte{7};
  BOOST_CHECK(memory.read_span()[0] == std::byte{7});
}

BOOST_AUTO_TEST_SUITE_END()
