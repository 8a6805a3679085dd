// SPDX-License-Identifier: BSL-1.0
// What is left of an object that was moved from: nothing, and it says so. The same for every type.
#include <ferry/ferry.hpp>

#include <boost/test/unit_test.hpp>

#include <functional>
#include <initializer_list>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace ferry;

namespace {

/// @param calls  what is asked of it, of which each has to throw
/// @param kind  what the texts call it
template <class T>
void is_empty_after_a_move(T given, const std::string& kind,
                           std::initializer_list<std::function<void(T&)>> calls) {
  T other = std::move(given);
  const auto check = [&](T& empty) {
    for (const auto& call : calls) {
      try {
        call(empty);
        BOOST_ERROR(kind << " was moved from, and does not say so");
      } catch (const error& thrown) {
        const std::string text = thrown.what();
        BOOST_TEST(text.find(kind) != std::string::npos);
        BOOST_TEST((text.find("moved from") != std::string::npos));
      }
    }
  };
  check(given);
  if constexpr (requires { given.valid(); }) {
    BOOST_TEST(!given.valid());
    BOOST_TEST(other.valid());
  }
  // It can be moved, swapped, assigned to, and destroyed.
  T third = std::move(given);
  std::swap(third, given);
  check(third);
  given = std::move(other);
  if constexpr (requires { given.valid(); }) BOOST_TEST(given.valid());
  check(other);
  other = std::move(given);
  if constexpr (requires { other.valid(); }) BOOST_TEST(other.valid());
}

int plus_one(int number) {
  return number + 1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(moved_from)

BOOST_AUTO_TEST_CASE(a_queue_that_was_moved_from_says_so) {
  using type = queue<int>;
  is_empty_after_a_move<type>(
      type({.max_items = 2}), "queue",
      {[](type& it) { it.put(1); }, [](type& it) { it.try_put(1); }, [](type& it) { it.get(); },
       [](type& it) { it.try_get(); }, [](type& it) { it.try_get_leased(); }, [](type& it) { it.size(); },
       [](type& it) { static_cast<void>(it.empty()); }, [](type& it) { it.full(); },
       [](type& it) { it.close(); }, [](type& it) { it.closed(); }, [](type& it) { it.native_handle(); },
       [](type& it) { it.begin(); },
       [](type& it) {
         const spawning_scope may_cross;
         dumps(it);
       }});
}

BOOST_AUTO_TEST_CASE(a_joinable_queue_that_was_moved_from_says_so) {
  using type = joinable_queue<std::string>;
  is_empty_after_a_move<type>(type(), "queue",
                              {[](type& it) { it.put("a"); }, [](type& it) { it.try_get(); },
                               [](type& it) { it.task_done(); }, [](type& it) { it.join(); }});
}

BOOST_AUTO_TEST_CASE(a_simple_queue_that_was_moved_from_says_so) {
  using type = simple_queue<int>;
  is_empty_after_a_move<type>(type(), "simple_queue",
                              {[](type& it) { it.put(1); }, [](type& it) { it.try_get(); },
                               [](type& it) { static_cast<void>(it.empty()); }, [](type& it) { it.close(); },
                               [](type& it) { it.closed(); }, [](type& it) { it.native_handle(); }});
}

BOOST_AUTO_TEST_CASE(a_lease_that_was_moved_from_says_so) {
  using type = lease<int>;
  queue<int> from;
  from.put(1);
  is_empty_after_a_move<type>(from.get_leased(), "lease",
                              {[](type& it) { it.value(); }, [](type& it) { *it = 2; },
                               [](type& it) { it.ack(); }, [](type& it) { it.give_back(); }});
  BOOST_TEST(from.get() == 1);
}

BOOST_AUTO_TEST_CASE(locks_that_were_moved_from_say_so) {
  is_empty_after_a_move<mutex>(
      mutex(), "mutex",
      {[](mutex& it) { it.lock(); }, [](mutex& it) { static_cast<void>(it.try_lock()); },
       [](mutex& it) { it.unlock(); }, [](mutex& it) { it.is_locked(); }, [](mutex& it) { it.owner(); },
       [](mutex& it) { it.is_consistent(); }, [](mutex& it) { it.make_consistent(); }});
  using recursive = recursive_mutex;
  is_empty_after_a_move<recursive>(recursive(), "recursive_mutex",
                                   {[](recursive& it) { it.lock(); }, [](recursive& it) { it.unlock(); }});
}

BOOST_AUTO_TEST_CASE(synchronisation_objects_that_were_moved_from_say_so) {
  is_empty_after_a_move<event>(event(), "event",
                               {[](event& it) { it.set(); }, [](event& it) { it.clear(); },
                                [](event& it) { it.is_set(); }, [](event& it) { it.wait(); }});
  is_empty_after_a_move<semaphore>(
      semaphore(1), "semaphore",
      {[](semaphore& it) { it.acquire(); }, [](semaphore& it) { it.try_acquire(); },
       [](semaphore& it) { it.release(); }, [](semaphore& it) { it.value(); },
       [](semaphore& it) { it.holders(); }});
  is_empty_after_a_move<semaphore>(semaphore::owned(1), "semaphore",
                                   {[](semaphore& it) { it.acquire(); }, [](semaphore& it) { it.release(); },
                                    [](semaphore& it) { it.holders(); }});
  using bounded = bounded_semaphore;
  is_empty_after_a_move<bounded>(bounded(1), "semaphore",
                                 {[](bounded& it) { it.acquire(); }, [](bounded& it) { it.release(); }});
  is_empty_after_a_move<named_semaphore>(
      named_semaphore::create(1), "named_semaphore",
      {[](named_semaphore& it) { it.acquire(); }, [](named_semaphore& it) { it.release(); },
       [](named_semaphore& it) { it.value(); }, [](named_semaphore& it) { it.name(); },
       [](named_semaphore& it) { it.unlink(); }});
  is_empty_after_a_move<barrier<>>(barrier<>(1), "barrier",
                                   {[](barrier<>& it) { it.wait(); }, [](barrier<>& it) { it.parties(); },
                                    [](barrier<>& it) { it.waiting(); }, [](barrier<>& it) { it.broken(); },
                                    [](barrier<>& it) { it.abort(); }, [](barrier<>& it) { it.reset(); }});
  using condition = condition_variable;
  is_empty_after_a_move<condition>(
      condition(), "condition_variable",
      {[](condition& it) { it.notify_one(); }, [](condition& it) { it.notify_all(); },
       [](condition& it) { it.waiting(); }});
  is_empty_after_a_move<once_flag>(
      once_flag(), "once_flag",
      {[](once_flag& it) { it.is_done(); }, [](once_flag& it) { call_once(it, [] {}); }});
}

BOOST_AUTO_TEST_CASE(shared_memory_that_was_moved_from_says_so) {
  using memory = shared_memory;
  is_empty_after_a_move<memory>(
      memory(64), "shared_memory",
      {[](memory& it) { it.size(); }, [](memory& it) { it.span(); }, [](memory& it) { it.read_span(); },
       [](memory& it) { it.is_writable(); }, [](memory& it) { it.read_only(); },
       [](memory& it) { it.name(); }, [](memory& it) { it.unlink(); }, [](memory& it) { it.native_handle(); },
       [](memory& it) { dumps(it); }});
  using value = shared_value<int>;
  is_empty_after_a_move<value>(
      value(1), "shared_value",
      {[](value& it) { it.get(); }, [](value& it) { *it = 1; }, [](value& it) { it.load(); },
       [](value& it) { it.store(1); }, [](value& it) { it.memory(); }, [](value& it) { dumps(it); }});
  using array = shared_array<int>;
  is_empty_after_a_move<array>(
      array(3), "shared_array",
      {[](array& it) { it.size(); }, [](array& it) { it[0] = 1; }, [](array& it) { it.at(0); },
       [](array& it) { it.begin(); }, [](array& it) { it.span(); }, [](array& it) { dumps(it); }});
  is_empty_after_a_move<arena>(
      arena(1000), "arena",
      {[](arena& it) { it.size(); }, [](arena& it) { it.used(); }, [](arena& it) { mutex in(it); }});
}

BOOST_AUTO_TEST_CASE(an_object_that_holds_a_handle_says_so_when_it_was_moved_from) {
  is_empty_after_a_move<file>(file::open("/dev/null"), "file",
                              {[](file& it) { it.size(); }, [](file& it) { it.write("a"); },
                               [](file& it) { it.position(); }, [](file& it) { it.native_handle(); },
                               [](file& it) { std::move(it).release(); }, [](file& it) { dumps(it); }});
  using type = ferry::socket;
  is_empty_after_a_move<type>(
      type::adopt(unique_handle(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))), "socket",
      {[](type& it) { it.kind(); }, [](type& it) { it.native_handle(); }, [](type& it) { dumps(it); }});
  using process_of = process_handle;
  is_empty_after_a_move<process_of>(
      process_of::open(::getpid()), "process_handle",
      {[](process_of& it) { it.pid(); }, [](process_of& it) { it.name(); },
       [](process_of& it) { it.is_alive(); }, [](process_of& it) { it.interrupt(); },
       [](process_of& it) { it.native_handle(); }, [](process_of& it) { dumps(it); }});
  is_empty_after_a_move<connection>(
      pipe().first, "connection",
      {[](connection& it) { it.send(1); }, [](connection& it) { it.recv<int>(); },
       [](connection& it) { it.native_handle(); }, [](connection& it) { dumps(it); }});
  is_empty_after_a_move<listener>(listener(address::abstract("ferry-test-moved-from")), "listener",
                                  {[](listener& it) { it.try_accept(); }, [](listener& it) { it.where(); }});
  is_empty_after_a_move<process>(process(fn<&plus_one>, 1), "process",
                                 {[](process& it) { it.join(); }, [](process& it) { it.pid(); },
                                  [](process& it) { it.kill(); }, [](process& it) { it.native_handle(); }});
}

BOOST_AUTO_TEST_CASE(an_object_that_a_pool_gives_says_so_when_it_was_moved_from) {
  pool pool(1);
  is_empty_after_a_move<task<int>>(
      pool.submit(fn<&plus_one>, 1), "task",
      {[](task<int>& it) { it.get(); }, [](task<int>& it) { it.wait(); }, [](task<int>& it) { it.ready(); },
       [](task<int>& it) { it.cancel(); }, [](task<int>& it) { it.then([](int) {}); },
       [](task<int>& it) { it.native_handle(); }});
  using calls = pool_calls<>;
  is_empty_after_a_move<calls>(pool.with({.retries = 1}), "way to a pool",
                               {[](calls& it) { it.submit(fn<&plus_one>, 1); },
                                [](calls& it) { it.map(fn<&plus_one>, std::vector<int>()); }});
  auto first = pool.imap(fn<&plus_one>, std::vector{1, 2});
  using results_of = decltype(first);
  is_empty_after_a_move<results_of>(std::move(first), "range of results",
                                    {[](results_of& it) { it.begin(); }});
}

BOOST_AUTO_TEST_CASE(values_that_were_moved_from_are_empty_values) {
  message from = dumps(std::string("text"));
  const message to = std::move(from);
  BOOST_TEST(from.bytes().empty());
  BOOST_TEST(from.handles().empty());
  BOOST_CHECK_THROW(loads<std::string>(std::move(from)), archive_error);
  any_object object = loads_any(dumps(std::string("text")));
  const any_object other = std::move(object);
  BOOST_TEST(!object.valid());
  BOOST_TEST(!object.holds<std::string>());
  BOOST_CHECK_THROW(object.get<std::string>(), type_mismatch);
}

BOOST_AUTO_TEST_SUITE_END()
