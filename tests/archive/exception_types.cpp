// SPDX-License-Identifier: BSL-1.0
// All exceptions of the standard library and of Ferry's headers arrive as what they are: type, text and
// content.
#include <ferry/barrier.hpp>
#include <ferry/error.hpp>
#include <ferry/mutex.hpp>

#include "round_trip.hpp"

#include <boost/test/unit_test.hpp>

#include <any>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <typeinfo>
#include <variant>
#include <vector>
#include <version>

#if defined(__cpp_lib_format)
#  include <format>
#endif

using namespace ferry;
using namespace ferry::test;

namespace {

/// What arrives of the exception, which must be an E and say the same.
template <class E>
E same(const std::exception_ptr& sent) {
  std::string text;
  try {
    std::rethrow_exception(sent);
  } catch (const E& error) {
    text = error.what();
  }
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(sent)));
  } catch (const E& error) {
    BOOST_TEST(error.what() == text);
    // And once more, as one that was made here.
    std::string again;
    try {
      std::rethrow_exception(loads<std::exception_ptr>(dumps(std::current_exception())));
    } catch (const E& passed_on) {
      again = passed_on.what();
    } catch (...) {
    }
    BOOST_TEST(again == text);
    return error;
  } catch (const std::exception& error) {
    BOOST_ERROR(typeid(E).name() << " arrived as " << typeid(error).name() << ": " << error.what());
    throw;
  }
}
template <class E>
E same(const E& error) {
  return same<E>(std::make_exception_ptr(error));
}
/// Of one that the standard library throws itself.
template <class E>
E same_thrown_by(const std::function<void()>& action) {
  try {
    action();
  } catch (...) {
    return same<E>(std::current_exception());
  }
  throw std::logic_error("nothing was thrown");
}

/// It must arrive as exactly that type, where nothing but its own text has to be kept.
template <class E>
void exactly(const E& error) {
  try {
    std::rethrow_exception(loads<std::exception_ptr>(dumps(std::make_exception_ptr(error))));
  } catch (const std::exception& arrived) {
    BOOST_CHECK_MESSAGE((typeid(arrived) == typeid(E)), typeid(E).name()
                                                            << " arrived as " << typeid(arrived).name());
    BOOST_TEST(arrived.what() == std::string(error.what()));
  }
}

struct polymorphic {
  virtual ~polymorphic() = default;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(exception_types)

BOOST_AUTO_TEST_CASE(exceptions_of_the_standard_headers_arrive_as_exactly_what_they_are) {
  exactly(std::exception());
  exactly(std::bad_exception());
  exactly(std::bad_alloc());
  exactly(std::bad_array_new_length());
  exactly(std::bad_cast());
  exactly(std::bad_typeid());
  exactly(std::bad_any_cast());
  exactly(std::bad_optional_access());
  exactly(std::bad_variant_access());
  exactly(std::bad_function_call());
  exactly(std::bad_weak_ptr());
  exactly(std::logic_error("x"));
  exactly(std::invalid_argument("x"));
  exactly(std::domain_error("x"));
  exactly(std::length_error("x"));
  exactly(std::out_of_range("x"));
  exactly(std::runtime_error("x"));
  exactly(std::range_error("x"));
  exactly(std::overflow_error("x"));
  exactly(std::underflow_error("x"));
  exactly(std::future_error(std::future_errc::no_state));
  exactly(std::regex_error(std::regex_constants::error_paren));
  exactly(std::system_error(std::make_error_code(std::errc::io_error), "x"));
  exactly(std::system_error(std::make_error_code(std::errc::io_error)));
  exactly(std::ios_base::failure("x"));
  exactly(std::ios_base::failure("x: y", std::make_error_code(std::errc::io_error)));
  exactly(std::filesystem::filesystem_error("x", std::make_error_code(std::errc::io_error)));
  exactly(std::filesystem::filesystem_error("x", "/a", "/b", std::make_error_code(std::errc::io_error)));
#if defined(__cpp_lib_format)
  exactly(std::format_error("x"));
#endif
}

BOOST_AUTO_TEST_CASE(exceptions_that_the_standard_library_throws_itself_arrive_with_their_types) {
  const auto missing = same_thrown_by<std::filesystem::filesystem_error>(
      [] { static_cast<void>(std::filesystem::file_size("/no/such")); });
  BOOST_TEST(missing.path1() == "/no/such");
  BOOST_CHECK(missing.code() == std::errc::no_such_file_or_directory);
  BOOST_CHECK(same_thrown_by<std::system_error>([] {
                static_cast<void>(std::filesystem::file_size("/no/such"));
              }).code() == std::errc::no_such_file_or_directory);
  same_thrown_by<std::ios_base::failure>([] {
    std::ifstream file;
    file.exceptions(std::ios::failbit);
    file.open("/no/such");
  });
  BOOST_CHECK((same_thrown_by<std::regex_error>([] { std::regex("("); }).code() ==
               std::regex_constants::error_paren));
  BOOST_CHECK((same_thrown_by<std::future_error>([] {
                 std::promise<int> one;
                 auto first = one.get_future(), second = one.get_future();
               }).code() == std::future_errc::future_already_retrieved));
  same_thrown_by<std::bad_variant_access>(
      [] { static_cast<void>(std::get<int>(std::variant<int, char>('x'))); });
  same_thrown_by<std::bad_optional_access>([] { static_cast<void>(std::optional<int>().value()); });
  same_thrown_by<std::bad_any_cast>([] { static_cast<void>(std::any_cast<int>(std::any('x'))); });
  same_thrown_by<std::bad_cast>([] {
    struct other : polymorphic {};
    polymorphic base;
    static_cast<void>(dynamic_cast<other&>(base));
  });
  same_thrown_by<std::bad_weak_ptr>([] { std::shared_ptr<int>(std::weak_ptr<int>()); });
  same_thrown_by<std::bad_function_call>([] { std::function<void()>()(); });
  same_thrown_by<std::out_of_range>([] { static_cast<void>(std::vector<int>().at(1)); });
  same_thrown_by<std::length_error>([] { std::string().reserve(static_cast<std::size_t>(-1)); });
  same_thrown_by<std::invalid_argument>([] { static_cast<void>(std::stoi("x")); });
}

BOOST_AUTO_TEST_CASE(exceptions_of_ferry_arrive_as_exactly_what_they_are) {
  exactly(error("x"));
  exactly(ferry::system_error(std::make_error_code(std::errc::io_error), "x"));
  exactly(spawning_error("x"));
  exactly(usage_error("x"));
  exactly(transfer_error("x"));
  exactly(archive_error("x"));
  exactly(archive_error("x", 7));
  exactly(limit_exceeded("x"));
  exactly(limit_exceeded("x", 7));
  exactly(type_mismatch("a", "b"));
  exactly(type_mismatch("a", "b", "c"));
  exactly(name_error("x", "n"));
  exactly(end_of_stream("x"));
  exactly(queue_closed("x"));
  exactly(tasks_lost(3, 4));
  exactly(worker_died(worker_died::cause::killed, 9, 1, 2));
  exactly(carrying_error(carrying_error::part::result_written, 3, "half", "x"));
  exactly(task_cancelled("x"));
  exactly(pool_closed("x"));
  exactly(truncated_message("x"));
  exactly(buffer_too_short(1, std::vector<std::byte>(3)));
  exactly(authentication_error("x"));
  exactly(process_error("x"));
  exactly(remote_error("far::error", "x", 7, "trace"));
  exactly(owner_died(7));
  exactly(broken_barrier(broken_barrier::cause::process_ended, 7));
}

BOOST_AUTO_TEST_CASE(an_error_of_ferry_says_what_the_caller_can_do) {
  const auto kind_of_code = [](std::errc code) {
    return ferry::system_error(std::make_error_code(code), "x").kind();
  };
  BOOST_CHECK(kind_of_code(std::errc::io_error) == error_kind::system);
  BOOST_CHECK(kind_of_code(std::errc::too_many_files_open) == error_kind::retry_later);
  BOOST_CHECK(kind_of_code(std::errc::not_enough_memory) == error_kind::retry_later);
  BOOST_CHECK(kind_of_code(std::errc::broken_pipe) == error_kind::disconnected);
  BOOST_CHECK(kind_of_code(std::errc::connection_refused) == error_kind::disconnected);
  BOOST_CHECK(kind_of_code(std::errc::function_not_supported) == error_kind::not_supported);
  BOOST_CHECK(kind_of_code(std::errc::bad_file_descriptor) == error_kind::usage);
  BOOST_CHECK(error("x").kind() == error_kind::system);
  BOOST_CHECK(usage_error("x").kind() == error_kind::usage);
  BOOST_CHECK(spawning_error("x").kind() == error_kind::usage);
  BOOST_CHECK(transfer_error("x").kind() == error_kind::not_supported);
  BOOST_CHECK(archive_error("x").kind() == error_kind::bad_data);
  BOOST_CHECK(type_mismatch("a", "b").kind() == error_kind::bad_data);
  BOOST_CHECK(limit_exceeded("x").kind() == error_kind::usage);
  BOOST_CHECK(end_of_stream("x").kind() == error_kind::disconnected);
  BOOST_CHECK(worker_died(worker_died::cause::killed, 9, 1, 2).kind() == error_kind::disconnected);
  BOOST_CHECK(owner_died(7).kind() == error_kind::disconnected);
}

BOOST_AUTO_TEST_CASE(exceptions_of_ferry_keep_what_they_carry) {
  BOOST_TEST(same(archive_error("x", 7)).offset() == 7U);
  BOOST_TEST(same(archive_error("x")).offset() == archive_error::no_offset);
  BOOST_TEST(same(limit_exceeded("x", 8)).offset() == 8U);
  BOOST_TEST(same(type_mismatch("a", "b", "c")).difference() == "c");
  BOOST_TEST(same(tasks_lost(3, 4)).count() == 3U);
  BOOST_TEST(same(tasks_lost(3, 4)).process() == 4);
  const auto too_short = same(buffer_too_short(1, {std::byte{1}, std::byte{2}}));
  BOOST_TEST(too_short.message().size() == 2U);
  BOOST_TEST(too_short.capacity() == 1U);
  BOOST_TEST(same(worker_died(worker_died::cause::killed, 9, 1, 2)).task() == 2U);
  BOOST_TEST(same(owner_died(7)).pid() == 7);
  BOOST_TEST(same(name_error("x", "n")).name() == "n");
  const auto carried = same(carrying_error(carrying_error::part::result_written, 3, "half", "x"));
  BOOST_TEST(carried.task() == 3U);
  BOOST_TEST(carried.task_was_run());
  BOOST_TEST(carried.what() ==
             std::string("the result of task 3, a 'half', could not be written by the worker: x"));
}

BOOST_AUTO_TEST_SUITE_END()
