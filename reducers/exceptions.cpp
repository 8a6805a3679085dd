// The standard exceptions and Ferry's own: by what() alone, or with their error code.
#include <ferry/barrier.hpp>
#include <ferry/dispatch_table.hpp>
#include <ferry/error.hpp>
#include <ferry/mutex.hpp>

#include <any>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <tuple>
#include <typeinfo>
#include <utility>
#include <variant>

namespace ferry::detail {

void add_exceptions(dispatch_table& table);

namespace {

template <class T>
void add_with_text(dispatch_table& table, const char* name) {
  table.add<T>(
      name, [](const T& error) { return std::tuple(std::string(error.what())); },
      [](const std::string& text) { return T(text); });
}

template <class T>
void add_without_text(dispatch_table& table, const char* name) {
  table.add<T>(
      name, [](const T&) { return std::tuple<>(); }, [] { return T(); });
}

/// what() without the message of the code, which the constructor appends again.
template <class T>
std::string own_text(const T& error) {
  const std::string text = error.what();
  return text.substr(0, text.rfind(": " + error.code().message()));
}

template <class T>
void add_with_code(dispatch_table& table, const char* name) {
  table.add<T>(
      name, [](const T& error) { return std::tuple(error.code(), own_text(error)); },
      [](const std::error_code& code, const std::string& text) { return T(code, text); });
}

}  // namespace

void add_exceptions(dispatch_table& table) {
  add_with_text<std::runtime_error>(table, "std::runtime_error");
  add_with_text<std::range_error>(table, "std::range_error");
  add_with_text<std::overflow_error>(table, "std::overflow_error");
  add_with_text<std::underflow_error>(table, "std::underflow_error");
  add_with_text<std::logic_error>(table, "std::logic_error");
  add_with_text<std::invalid_argument>(table, "std::invalid_argument");
  add_with_text<std::domain_error>(table, "std::domain_error");
  add_with_text<std::length_error>(table, "std::length_error");
  add_with_text<std::out_of_range>(table, "std::out_of_range");
  add_with_code<std::system_error>(table, "std::system_error");
  add_without_text<std::bad_alloc>(table, "std::bad_alloc");
  add_without_text<std::bad_array_new_length>(table, "std::bad_array_new_length");
  add_without_text<std::bad_cast>(table, "std::bad_cast");
  add_without_text<std::bad_any_cast>(table, "std::bad_any_cast");
  add_without_text<std::bad_optional_access>(table, "std::bad_optional_access");
  add_without_text<std::bad_variant_access>(table, "std::bad_variant_access");

  add_with_text<error>(table, "ferry::error");
  add_with_code<system_error>(table, "ferry::system_error");
  add_with_text<spawning_error>(table, "ferry::spawning_error");
  add_with_text<transfer_error>(table, "ferry::transfer_error");
  add_with_text<end_of_stream>(table, "ferry::end_of_stream");
  add_with_text<queue_closed>(table, "ferry::queue_closed");
  add_with_text<truncated_message>(table, "ferry::truncated_message");
  add_with_text<authentication_error>(table, "ferry::authentication_error");
  add_with_text<process_error>(table, "ferry::process_error");
  add_with_text<archive_error>(table, "ferry::archive_error");
  add_with_text<limit_exceeded>(table, "ferry::limit_exceeded");
  table.add<broken_barrier>(
      "ferry::broken_barrier", [](const broken_barrier& e) { return std::tuple(e.why(), e.pid()); },
      [](broken_barrier::cause why, std::int64_t pid) { return broken_barrier(why, pid); });
  table.add<owner_died>(
      "ferry::owner_died", [](const owner_died& e) { return std::tuple(e.pid()); },
      [](std::int64_t pid) { return owner_died(pid); });
  add_with_text<task_cancelled>(table, "ferry::task_cancelled");
  add_with_text<pool_closed>(table, "ferry::pool_closed");
  table.add<worker_died>(
      "ferry::worker_died",
      [](const worker_died& e) { return std::tuple(e.why(), e.code(), e.pid(), e.task()); },
      [](worker_died::cause why, int code, std::int64_t pid, std::size_t task) {
        return worker_died(why, code, pid, task);
      });
  table.add<process_died>(
      "ferry::process_died",
      [](const process_died& e) { return std::tuple(e.name(), e.pid(), e.signal(), e.core_dumped()); },
      [](std::string name, std::int64_t pid, int signal, bool core_dumped) {
        return process_died(std::move(name), pid, signal, core_dumped);
      });
  table.add<type_mismatch>(
      "ferry::type_mismatch", [](const type_mismatch& e) { return std::tie(e.held(), e.asked()); },
      [](const std::string& held, const std::string& asked) { return type_mismatch(held, asked); });
  table.add<name_error>(
      "ferry::name_error", [](const name_error& e) { return std::tuple(std::string(e.what()), e.name()); },
      [](const std::string& what, std::string name) { return name_error(what, std::move(name)); });
}

}  // namespace ferry::detail
