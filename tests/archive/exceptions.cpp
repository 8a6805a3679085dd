// SPDX-License-Identifier: BSL-1.0
// Exceptions in flight: as their own type, else as what they said. Row 6 of the known failures.
#include <ferry/dispatch_table.hpp>

#include "own_category.hpp"
#include "round_trip.hpp"

#include <boost/exception/all.hpp>
#include <boost/test/unit_test.hpp>
#include <boost/throw_exception.hpp>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <unistd.h>

using namespace ferry;
using namespace ferry::test;

namespace {

struct unknown_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct known_error : std::runtime_error {
  int code;
  known_error(const std::string& text, int c) : std::runtime_error(text), code(c) {}
};
void add_known_error(dispatch_table& table) {
  table.add<known_error>(
      "test.known_error", [](const known_error& e) { return std::tuple(std::string(e.what()), e.code); },
      [](const std::string& text, int code) {
        if (code == -1) throw std::logic_error("rebuild fails");
        return known_error(text, code);
      });
}

struct with_cause : std::runtime_error {
  std::exception_ptr cause;
  explicit with_cause(std::exception_ptr because) : std::runtime_error("effect"), cause(std::move(because)) {}
};

struct with_handle : std::runtime_error {
  std::shared_ptr<unique_handle> handle;
  explicit with_handle(unique_handle h)
      : std::runtime_error("holds a handle"), handle(std::make_shared<unique_handle>(std::move(h))) {}
};

struct disk_error : std::system_error {
  using std::system_error::system_error;
};
struct pool_empty : std::bad_alloc {
  const char* what() const noexcept override { return "the pool is empty"; }
};
struct bad_flag : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
struct bare_exception : std::exception {};
struct own_ferry_error : ferry::error {
  using ferry::error::error;
};
struct more_than_known : known_error {
  using known_error::known_error;
};
struct text_without_base {};

template <class E>
std::exception_ptr thrown(const E& error) {
  return std::make_exception_ptr(error);
}

/// Thrown while `cause` is handled.
template <class E>
std::exception_ptr thrown_with(const E& error, const std::exception_ptr& cause) {
  try {
    try {
      std::rethrow_exception(cause);
    } catch (...) {
      std::throw_with_nested(error);
    }
  } catch (...) {
    return std::current_exception();
  }
}

/// Types and texts of an exception and of those nested in it.
std::string chain_of(const std::exception_ptr& outermost) {
  std::string chain;
  const auto tell = [&](const std::exception& error) {
    const char* type = "other";
    if (dynamic_cast<const std::out_of_range*>(&error) != nullptr) type = "out_of_range";
    if (dynamic_cast<const std::range_error*>(&error) != nullptr)
      type = "range_error";
    else if (dynamic_cast<const std::runtime_error*>(&error) != nullptr)
      type = "runtime_error";
    chain += (chain.empty() ? "" : ", ") + std::string(type) + ' ' + error.what();
  };
  for (std::exception_ptr next = outermost; next != nullptr;) {
    try {
      std::rethrow_exception(next);
    } catch (const std::exception& error) {
      tell(error);
      const auto* const outer = dynamic_cast<const std::nested_exception*>(&error);
      next = outer != nullptr ? outer->nested_ptr() : nullptr;
    }
  }
  return chain;
}

/// What arrives of the exception, which must be an E.
template <class E>
E arrived(const std::exception_ptr& sent, const archive_options& writing = {},
          const archive_options& reading = {}) {
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(sent, writing), reading));
  } catch (const E& error) {
    return error;
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(exceptions)

BOOST_AUTO_TEST_CASE(an_unregistered_exception_arrives_as_remote_error_with_type_text_and_origin) {
  const auto error = arrived<remote_error>(thrown(unknown_error("lost it")));
  BOOST_TEST(contains(error.type_name(), "unknown_error"));
  BOOST_TEST(error.text() == "lost it");
  BOOST_TEST(error.origin() == getpid());
  BOOST_TEST(contains(error.what(), "unknown_error: lost it"));
}

BOOST_AUTO_TEST_CASE(a_thrown_value_that_is_no_exception_arrives_as_remote_error_with_its_type) {
  BOOST_TEST(arrived<remote_error>(thrown(42)).type_name() == "int");
}

BOOST_AUTO_TEST_CASE(a_remote_error_passed_on_keeps_its_origin_and_its_trace) {
  const auto error = arrived<remote_error>(thrown(remote_error("far::trouble", "text", 7, "where it was")));
  BOOST_TEST(error.type_name() == "far::trouble");
  BOOST_TEST(error.origin() == 7);
  BOOST_TEST(error.trace() == "where it was");
}

// conformance: _TestPool.test_traceback
BOOST_AUTO_TEST_CASE(the_trace_that_an_exception_carries_comes_along) {
  const auto caught = [](auto&& throwing) {
    try {
      throwing();
    } catch (...) {
      return std::current_exception();
    }
    return std::exception_ptr();
  };
  const auto thrown_here = [] { BOOST_THROW_EXCEPTION(unknown_error("lost it")); };
  auto error = arrived<remote_error>(caught(thrown_here));
  BOOST_TEST(error.text() == "lost it");
  BOOST_TEST(contains(error.trace(), "exceptions.cpp"));
  BOOST_TEST(contains(error.what(), error.trace()));
  BOOST_TEST(!contains(error.type_name(), "wrapexcept"));

  using note = boost::error_info<struct note_tag, std::string>;
  error = arrived<remote_error>(caught([] {
    throw boost::enable_error_info(unknown_error("lost it")) << note("called by the tenth of many");
  }));
  BOOST_TEST(contains(error.trace(), "called by the tenth of many"));

  error = arrived<remote_error>(caught([&] {
    try {
      thrown_here();
    } catch (...) {
      std::throw_with_nested(unknown_error("gave up"));
    }
  }));
  BOOST_TEST(error.text() == "gave up: lost it");
  BOOST_TEST(contains(error.trace(), "exceptions.cpp"));
  BOOST_TEST(arrived<remote_error>(thrown(unknown_error("bare"))).trace().empty());
}

BOOST_AUTO_TEST_CASE(an_exception_that_the_reader_does_not_know_arrives_as_remote_error) {
  dispatch_table here("here");
  add_known_error(here);
  archive_options writing;
  writing.table = &here;
  const auto error = arrived<remote_error>(thrown(known_error("text", 5)), writing);
  BOOST_TEST(contains(error.type_name(), "known_error"));
  BOOST_TEST(error.text() == "text");
}

BOOST_AUTO_TEST_CASE(an_exception_whose_rebuild_fails_arrives_as_remote_error) {
  dispatch_table table("table");
  add_known_error(table);
  archive_options options;
  options.table = &table;
  BOOST_TEST(arrived<remote_error>(thrown(known_error("text", -1)), options, options).text() == "text");
}

BOOST_AUTO_TEST_CASE(an_exception_that_cannot_be_written_arrives_as_remote_error) {
  const std::system_error sent(std::error_code(1, own_category()), "opening");
  const auto error = arrived<remote_error>(thrown(sent));
  BOOST_TEST(error.type_name() == "std::system_error");
  BOOST_TEST(contains(error.text(), "own trouble"));
}

BOOST_AUTO_TEST_CASE(items_behind_an_exception_that_cannot_be_read_are_read) {
  dispatch_table table("table");
  add_known_error(table);
  archive_options writing;
  writing.table = &table;
  const std::vector<std::exception_ptr> sent{thrown(known_error("a", 1)), nullptr,
                                             thrown(std::out_of_range("b"))};
  const auto both = loads<std::vector<std::exception_ptr>>(dumps(sent, writing));
  BOOST_CHECK_THROW(std::rethrow_exception(both.at(0)), remote_error);
  BOOST_CHECK(both.at(1) == nullptr);
  BOOST_CHECK_THROW(std::rethrow_exception(both.at(2)), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(an_entry_that_is_no_exception_gives_a_remote_error) {
  auto bytes = bytes_of(thrown(std::runtime_error("text")));
  const std::string from = "std::runtime_error";
  // The name inside the message within: the last time that it occurs.
  const auto place =
      std::find_end(bytes.begin(), bytes.end(), reinterpret_cast<const std::byte*>(from.data()),
                    reinterpret_cast<const std::byte*>(from.data()) + from.size());
  BOOST_REQUIRE(place != bytes.end());
  place[0] = std::byte{'x'};
  BOOST_CHECK_THROW(std::rethrow_exception(loads<std::exception_ptr>(bytes)), remote_error);
}

BOOST_AUTO_TEST_CASE(standard_exceptions_arrive_as_their_own_type) {
  BOOST_TEST(arrived<std::runtime_error>(thrown(std::runtime_error("a"))).what() == std::string("a"));
  BOOST_TEST(arrived<std::out_of_range>(thrown(std::out_of_range("b"))).what() == std::string("b"));
  arrived<std::bad_alloc>(thrown(std::bad_alloc()));
  const auto error = arrived<std::system_error>(
      thrown(std::system_error(std::make_error_code(std::errc::no_space_on_device), "writing")));
  BOOST_CHECK(error.code() == std::errc::no_space_on_device);
  BOOST_TEST(error.what() == std::string("writing: No space left on device"));
  BOOST_TEST(arrived<name_error>(thrown(name_error("no such", "x"))).name() == "x");
  BOOST_TEST(arrived<type_mismatch>(thrown(type_mismatch("a", "b"))).held() == "a");
}

BOOST_AUTO_TEST_CASE(a_registered_exception_arrives_as_its_own_type) {
  dispatch_table table("table");
  add_known_error(table);
  archive_options options;
  options.table = &table;
  const auto error = arrived<known_error>(thrown(known_error("text", 5)), options, options);
  BOOST_TEST(error.code == 5);
}

BOOST_AUTO_TEST_CASE(exceptions_inside_exceptions_cross) {
  dispatch_table table("table");
  table.add<with_cause>(
      "test.with_cause", [](const with_cause& e) { return std::tuple(e.cause); },
      [](std::exception_ptr cause) { return with_cause(std::move(cause)); });
  archive_options options;
  options.table = &table;
  const auto outer = arrived<with_cause>(
      thrown(with_cause(thrown(with_cause(thrown(std::range_error("root")))))), options, options);
  try {
    std::rethrow_exception(outer.cause);
  } catch (const with_cause& inner) {
    BOOST_CHECK_THROW(std::rethrow_exception(inner.cause), std::range_error);
  }
  // Deeper than is allowed: the innermost causes are told, not sent.
  std::exception_ptr deep = thrown(std::range_error("root"));
  for (int i = 0; i != 50; ++i) deep = thrown(with_cause(deep));
  options.limit.depth = 20;
  arrived<with_cause>(deep, options, options);
}

BOOST_AUTO_TEST_CASE(a_nested_exception_arrives_nested_in_its_outer_one) {
  const auto sent = thrown_with(std::runtime_error("outer"), thrown(std::out_of_range("inner")));
  arrived<std::runtime_error>(sent);
  BOOST_TEST(chain_of(loads<std::exception_ptr>(dumps(sent))) == "runtime_error outer, out_of_range inner");
  // Also in one that nobody knows, whose text tells it as well.
  const auto unknown = thrown_with(unknown_error("outer"), thrown(std::out_of_range("inner")));
  BOOST_TEST(arrived<remote_error>(unknown).text() == "outer: inner");
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(unknown)));
  } catch (const remote_error& error) {
    BOOST_CHECK_THROW(std::rethrow_if_nested(error), std::out_of_range);
  }
}

BOOST_AUTO_TEST_CASE(causes_arrive_to_a_depth_with_a_bound) {
  std::exception_ptr chain = thrown(std::range_error("root"));
  for (int i = 0; i != 5; ++i) chain = thrown_with(std::runtime_error("e"), chain);
  std::string expected;
  for (int i = 0; i != 5; ++i) expected += "runtime_error e, ";
  BOOST_TEST(chain_of(loads<std::exception_ptr>(dumps(chain))) == expected + "range_error root");
  for (int i = 0; i != 200; ++i) chain = thrown_with(std::runtime_error("e"), chain);
  BOOST_TEST(contains(chain_of(loads<std::exception_ptr>(dumps(chain))), expected));
  archive_options shallow;
  shallow.limit.depth = 5;
  BOOST_CHECK_THROW(std::rethrow_exception(loads<std::exception_ptr>(dumps(chain, shallow), shallow)),
                    std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_thrown_value_that_is_no_exception_keeps_its_nested_exception) {
  const auto sent = thrown_with(text_without_base{}, thrown(std::out_of_range("inner")));
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(sent)));
  } catch (const remote_error& error) {
    BOOST_TEST(contains(error.type_name(), "text_without_base"));
    BOOST_CHECK_THROW(std::rethrow_if_nested(error), std::out_of_range);
  }
}

BOOST_AUTO_TEST_CASE(an_exception_of_no_table_arrives_as_its_nearest_base_that_is_in_one) {
  const std::error_code full = std::make_error_code(std::errc::no_space_on_device);
  const auto disk = arrived<std::system_error>(thrown(disk_error(full, "writing")));
  BOOST_CHECK(disk.code() == full);
  BOOST_TEST(disk.what() == std::string("writing: No space left on device"));
  BOOST_CHECK_EXCEPTION(
      std::rethrow_exception(loads<std::exception_ptr>(dumps(thrown(pool_empty())))), std::bad_alloc,
      [](const std::bad_alloc& error) { return error.what() == std::string("the pool is empty"); });
  BOOST_TEST(arrived<std::invalid_argument>(thrown(bad_flag("--x"))).what() == std::string("--x"));
  // What says no more than that it is an exception arrives with the name of its type.
  BOOST_TEST(contains(arrived<remote_error>(thrown(bare_exception())).type_name(), "bare_exception"));
  BOOST_TEST(contains(arrived<remote_error>(thrown(own_ferry_error("x"))).type_name(), "own_ferry_error"));

  dispatch_table table("table");
  add_known_error(table);
  archive_options options;
  options.table = &table;
  BOOST_TEST(arrived<known_error>(thrown(more_than_known("text", 5)), options, options).code == 5);
}

BOOST_AUTO_TEST_CASE(a_wrapper_that_boost_makes_of_an_exception_does_not_hide_its_type) {
  try {
    BOOST_THROW_EXCEPTION(std::out_of_range("x"));
  } catch (...) {
    BOOST_TEST(arrived<std::out_of_range>(std::current_exception()).what() == std::string("x"));
  }
  BOOST_TEST(arrived<std::runtime_error>(thrown(boost::enable_error_info(std::runtime_error("y")))).what() ==
             std::string("y"));
}

BOOST_AUTO_TEST_CASE(an_exception_with_a_handle_takes_it_along_or_leaves_nothing_open) {
  dispatch_table table("table");
  table.add<with_handle>(
      "test.with_handle", [](const with_handle& e) { return std::tuple(e.handle->view()); },
      [](unique_handle h) { return with_handle(std::move(h)); });
  archive_options options;
  options.table = &table;
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  const unique_handle read_end(ends[0]);
  const auto sent = thrown(with_handle(unique_handle(ends[1])));
  const auto error = arrived<with_handle>(sent, options, options);
  BOOST_TEST(write(error.handle->native(), "x", 1) == 1);
  BOOST_CHECK_THROW(arrived<with_handle>(sent, options), remote_error);
}

BOOST_AUTO_TEST_SUITE_END()
