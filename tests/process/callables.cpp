// SPDX-License-Identifier: BSL-1.0
// Callables that processes run, and what becomes of their arguments.
#include <ferry/error.hpp>

#include "process/support.hpp"
#include "support/exceptions.hpp"

#include <cctype>
#include <cstddef>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace ferry::test {

/// Starts a function of another file that has the name of one in this.
process start_namesake(start_method method, connection line);
process start_namesake_in_another_program();
namespace {
void namesake(connection line) {
  tell(line, 1);
}
}  // namespace

}  // namespace ferry::test

namespace {

struct point {
  int x = 0, y = 0;
  bool operator==(const point&) const = default;
  void tell_sum(connection line) const { tell(line, x + y); }
};

/// A callable with state, some of it live.
struct shouter {
  connection line;
  std::string ending;

  void operator()(const std::vector<std::string>& words) {
    for (std::string word : words) {
      for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      tell(line, word + ending);
    }
  }
};

/// Echoes what it hears until it hears nothing.
struct echo {
  connection line;

  void operator()() {
    for (;;) {
      auto text = line.recv<std::optional<std::string>>();
      if (!text) return;
      for (char& c : *text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      line.send(*text);
    }
  }
};

/// Says in another process than its writer's that it ends.
struct last_words {
  connection line;
  std::int64_t writer = ::getpid();

  last_words() = default;
  explicit last_words(connection where) : line(std::move(where)) {}
  last_words(const last_words&) = delete;
  last_words& operator=(const last_words&) = delete;
  ~last_words() {
    if (writer != ::getpid()) line.send(true);
  }
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& line& writer;
  }
};

void answer(connection& line) {
  tell(line, true);
}
void measure_views(std::string_view text, std::span<const int> numbers, connection line) {
  tell(line, text.size() * 100 + numbers.size());
}
void tell_sum(int a, int b, int c, connection& line) {
  tell(line, a * 100 + b * 10 + c);
}
void tell_sizes(const std::string& text, std::string_view view, const std::vector<int>& numbers,
                connection& line) {
  tell(line, std::vector<std::size_t>{text.size(), view.size(), numbers.size()});
}
void take(std::unique_ptr<point> where, connection line) {
  tell(line, *where);
}
void share(const std::shared_ptr<last_words>& what, const std::string&, bool succeed) {
  if (!succeed) throw std::runtime_error(what ? "shared" : "not shared");
}
void take_by_rvalue(std::vector<int>&& numbers, connection&& line) {
  tell(line, numbers.size());
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(callables, no_forkserver_left)

// There only the name of a callable is known, so one that it does not tell apart must not be guessed.
BOOST_AUTO_TEST_CASE(functions_of_one_name_cannot_be_started_in_another_program) {
  BOOST_CHECK_EXCEPTION(start_namesake_in_another_program(), process_error,
                        says("several callables have the name"));
}

BOOST_DATA_TEST_CASE(functions_of_one_name_in_two_files_are_told_apart, every_start_method, method) {
  auto [here, there] = pipe();
  process first(by(method), fn<&namesake>, there);
  BOOST_TEST(hear<int>(here) == 1);
  const process second = start_namesake(method, std::move(there));
  BOOST_TEST(hear<int>(here) == 2);
}

BOOST_DATA_TEST_CASE(a_lambda_without_captures_runs, every_start_method, method) {
  auto [here, there] = pipe();
  process child(
      by(method), [](const std::string& text, connection end) { tell(end, text + "!"); }, "lambda",
      std::move(there));
  BOOST_TEST(hear<std::string>(here) == "lambda!");
}

BOOST_AUTO_TEST_CASE(a_generic_lambda_takes_arguments_as_they_are) {
  auto [here, there] = pipe();
  process child([](auto number, auto end) { tell(end, number + number); }, 21, std::move(there));
  BOOST_TEST(hear<int>(here) == 42);
}

BOOST_DATA_TEST_CASE(a_function_object_takes_its_state_along, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), shouter{std::move(there), "!"}, std::vector<std::string>{"one", "two"});
  BOOST_TEST(hear<std::string>(here) == "ONE!");
  BOOST_TEST(hear<std::string>(here) == "TWO!");
}

// conformance: _TestSubclassingProcess.test_subclassing
BOOST_DATA_TEST_CASE(a_function_object_that_owns_a_connection_serves_until_told_to_stop, every_start_method,
                     method) {
  auto [here, there] = pipe();
  process child(by(method), echo{std::move(there)});
  for (const std::string text : {"hello", "world"}) {
    here.send(std::optional(text));
    BOOST_TEST(hear<std::string>(here) == (text == "hello" ? "HELLO" : "WORLD"));
  }
  here.send(std::optional<std::string>());
  child.join();
  BOOST_TEST(child.exit_code().value() == 0);
}

BOOST_AUTO_TEST_CASE(a_member_function_gets_a_copy_of_its_object) {
  auto [here, there] = pipe();
  process child(fn<&point::tell_sum>, point{40, 2}, there);
  BOOST_TEST(hear<int>(here) == 42);
}

BOOST_AUTO_TEST_CASE(a_reference_to_a_live_object_is_to_the_same_one) {
  auto [here, there] = pipe();
  process child(fn<&answer>, there);
  BOOST_TEST(hear<bool>(here));
}

BOOST_DATA_TEST_CASE(a_parameter_that_is_a_view_sees_what_was_sent, every_start_method, method) {
  auto [here, there] = pipe();
  const std::string text(3000, 'x');
  process child(by(method), fn<&measure_views>, text, std::vector<int>(7), there);
  BOOST_TEST(hear<std::size_t>(here) == 300'007U);
  process later(deferred, by(method), fn<&measure_views>, std::string("temporary"), std::vector<int>(2),
                std::move(there));
  later.start();
  BOOST_TEST(hear<std::size_t>(here) == 902U);
}

BOOST_DATA_TEST_CASE(a_bound_callable_takes_its_first_arguments_along, every_start_method, method) {
  auto [here, there] = pipe();
  process child(by(method), ferry::bind_front(fn<&tell_sum>, 1, 2), 3, there);
  BOOST_TEST(hear<int>(here) == 123);
  process all(by(method),
              ferry::bind_front(fn<&tell_sizes>, "text", std::string("view"), std::vector<int>(5)), there);
  BOOST_TEST(hear<std::vector<std::size_t>>(here) == (std::vector<std::size_t>{4, 4, 5}),
             boost::test_tools::per_element());
  process twice(by(method), ferry::bind_front(bind_front(fn<&tell_sum>, 4), 5), 6, std::move(there));
  BOOST_TEST(hear<int>(here) == 456);
}

BOOST_AUTO_TEST_CASE(a_member_function_and_an_object_with_state_can_be_bound) {
  auto [here, there] = pipe();
  process member(ferry::bind_front(fn<&point::tell_sum>, point{40, 2}), there);
  BOOST_TEST(hear<int>(here) == 42);
  process object(ferry::bind_front(shouter{std::move(there), "!"}, std::vector<std::string>{"bound"}));
  BOOST_TEST(hear<std::string>(here) == "BOUND!");
}

BOOST_DATA_TEST_CASE(a_shared_argument_ends_before_the_process, every_start_method, method) {
  for (const std::size_t size : {0U, 100'000U}) {
    for (const bool succeed : {false, true}) {
      auto [here, there] = pipe();
      process child(by(method), fn<&share>, std::make_shared<last_words>(std::move(there)),
                    std::string(size, 'x'), succeed);
      BOOST_TEST(hear<bool>(here));
      child.join();
      BOOST_TEST(child.exit_code().value() == (succeed ? 0 : 1));
    }
  }
}

BOOST_AUTO_TEST_CASE(arguments_that_cannot_be_copied_are_moved_in_or_written_where_they_are) {
  auto [here, there] = pipe();
  process child(fn<&take>, std::make_unique<point>(point{3, 4}), there);
  const bool arrived = hear<point>(here) == point{3, 4};
  BOOST_TEST(arrived);
  process other(fn<&take_by_rvalue>, std::vector<int>(5), std::move(there));
  BOOST_TEST(hear<std::size_t>(here) == 5U);
}

BOOST_AUTO_TEST_CASE(a_deferred_process_keeps_its_arguments_until_it_is_started) {
  auto [here, there] = pipe();
  process child(deferred, shouter{std::move(there), "?"}, std::vector<std::string>{"later"});
  BOOST_TEST(child.pid() == 0);
  child.start();
  BOOST_TEST(hear<std::string>(here) == "LATER?");
}

BOOST_AUTO_TEST_SUITE_END()
