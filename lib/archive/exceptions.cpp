// SPDX-License-Identifier: BSL-1.0
// The exceptions of the standard library and Ferry's own. Each arrives with the text that it had, whatever
// its constructors make of their arguments.
#include "archive/exceptions.hpp"

#include <ferry/dispatch_table.hpp>
#include <ferry/error.hpp>
#include <ferry/lock_error.hpp>

#include <any>
#include <chrono>
#include <exception>
#include <filesystem>
#include <functional>
#include <future>
#include <ios>
#include <memory>
#include <new>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>
#include <version>

#if defined(__cpp_lib_format)
#  include <format>
#endif

namespace ferry::detail {

/// A T that says what another one said. The name is known to those who name exceptions to people.
template <class T>
class worded : public T {
 public:
  worded(T made, std::string text)
      : T(std::move(made)), text_(std::make_shared<const std::string>(std::move(text))) {}
  const char* what() const noexcept override { return text_->c_str(); }
  const T& as_made() const noexcept { return *this; }
  bool needs_text() const noexcept { return *text_ != T::what(); }

 private:
  std::shared_ptr<const std::string> text_;  // shared: copying an exception must not throw
};

namespace {

/// Writes what() and the arguments of `rebuild`, which is given both.
template <class T, class Reduce, class Rebuild>
class exception_entry final : public typed_entry<T> {
 public:
  exception_entry(std::string_view name, Reduce reduce, Rebuild rebuild)
      : typed_entry<T>(name, list_identity<std::invoke_result_t<const Reduce&, const T&>>::get(), false),
        reduce_(std::move(reduce)),
        rebuild_(std::move(rebuild)) {}

  void save(forking_oarchive& archive, const void* object) const override {
    const T& error = *static_cast<const T*>(object);
    detail::save(archive, std::string_view(error.what()));
    save_arguments(archive, reduce_(error));
  }
  erased_object load(forking_iarchive& archive) const override { return erase(new worded<T>(made(archive))); }
  erased_object load_value(forking_iarchive& archive) const override { return load(archive); }
  void load_shared(forking_iarchive& archive, std::size_t slot) const override {
    std::shared_ptr<T> object(new worded<T>(made(archive)));
    archive.shared(slot) = {std::move(object), &typeid(T), &throw_as<T>};
  }
  std::exception_ptr as_exception(void* object, const std::exception_ptr& cause) const override {
    const auto& arrived = *static_cast<const worded<T>*>(static_cast<T*>(object));
    return arrived.needs_text() ? with_cause(arrived, cause) : with_cause(arrived.as_made(), cause);
  }

 private:
  worded<T> made(forking_iarchive& archive) const {
    auto text = make<std::string>(archive);
    using arguments = std::invoke_result_t<const Reduce&, const T&>;
    const auto rebuild = [&](auto&&... each) -> T {
      return rebuild_(std::as_const(text), std::forward<decltype(each)>(each)...);
    };
    T rebuilt = rebuild_from<arguments>(archive, rebuild);
    return worded<T>(std::move(rebuilt), std::move(text));
  }

  Reduce reduce_;
  Rebuild rebuild_;
};

template <class T, class Reduce, class Rebuild>
void add(dispatch_table& table, std::string_view name, Reduce reduce, Rebuild rebuild) {
  table.insert(
      std::make_unique<exception_entry<T, Reduce, Rebuild>>(name, std::move(reduce), std::move(rebuild)));
}

template <class T>
void add_with_text(dispatch_table& table, const char* name) {
  add<T>(
      table, name, [](const T&) { return std::tuple<>(); }, [](const std::string& text) { return T(text); });
}

template <class T>
void add_without_text(dispatch_table& table, const char* name) {
  add<T>(
      table, name, [](const T&) { return std::tuple<>(); }, [](const std::string&) { return T(); });
}

/// What was given to a constructor that puts the code's message behind it.
std::string without_code(const std::string& text, const std::error_code& code) {
  return text.substr(0, text.rfind(": " + code.message()));
}

template <class T>
void add_with_code(dispatch_table& table, const char* name) {
  add<T>(
      table, name, [](const T& error) { return std::tuple(error.code()); },
      [](const std::string& text, const std::error_code& code) {
        if constexpr (std::is_constructible_v<T, std::error_code>)
          if (text == code.message()) return T(code);
        return T(code, without_code(text, code));
      });
}

template <class T>
void add_with_offset(dispatch_table& table, const char* name) {
  add<T>(
      table, name, [](const T& error) { return std::tuple(std::uint64_t{error.offset()}); },
      [](const std::string& text, std::uint64_t offset) {
        return T(text.substr(0, text.rfind(" (at byte ")), static_cast<std::size_t>(offset));
      });
}

void add_standard(dispatch_table& table) {
  add_without_text<std::exception>(table, "std::exception");
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
  add<std::ios_base::failure>(
      table, "std::ios_base::failure", [](const std::ios_base::failure& e) { return std::tuple(e.code()); },
      [](const std::string& text, const std::error_code& code) {
        return std::ios_base::failure(without_code(text, code), code);
      });
  using std::filesystem::filesystem_error;
  add<filesystem_error>(
      table, "std::filesystem::filesystem_error",
      [](const filesystem_error& e) { return std::tuple(e.code(), e.path1(), e.path2()); },
      [](const std::string& text, const std::error_code& code, const std::filesystem::path& one,
         const std::filesystem::path& other) {
        constexpr std::string_view before = "filesystem error: ";
        const bool has_it = text.compare(0, before.size(), before) == 0;
        const std::string own = without_code(has_it ? text.substr(before.size()) : text, code);
        if (!other.empty()) return filesystem_error(own, one, other, code);
        return one.empty() ? filesystem_error(own, code) : filesystem_error(own, one, code);
      });
  add<std::future_error>(
      table, "std::future_error", [](const std::future_error& e) { return std::tuple(e.code().value()); },
      [](const std::string&, int code) { return std::future_error(static_cast<std::future_errc>(code)); });
  add<std::regex_error>(
      table, "std::regex_error",
      [](const std::regex_error& e) { return std::tuple(static_cast<int>(e.code())); },
      [](const std::string&, int code) {
        return std::regex_error(static_cast<std::regex_constants::error_type>(code));
      });
  add_without_text<std::bad_alloc>(table, "std::bad_alloc");
  add_without_text<std::bad_array_new_length>(table, "std::bad_array_new_length");
  add_without_text<std::bad_cast>(table, "std::bad_cast");
  add_without_text<std::bad_any_cast>(table, "std::bad_any_cast");
  add_without_text<std::bad_typeid>(table, "std::bad_typeid");
  add_without_text<std::bad_exception>(table, "std::bad_exception");
  add_without_text<std::bad_function_call>(table, "std::bad_function_call");
  add_without_text<std::bad_weak_ptr>(table, "std::bad_weak_ptr");
  add_without_text<std::bad_optional_access>(table, "std::bad_optional_access");
  add_without_text<std::bad_variant_access>(table, "std::bad_variant_access");
#if defined(__cpp_lib_format)
  add_with_text<std::format_error>(table, "std::format_error");
#endif
#if defined(__cpp_lib_chrono) && __cpp_lib_chrono >= 201907L
  using std::chrono::ambiguous_local_time, std::chrono::nonexistent_local_time;
  using std::chrono::local_info, std::chrono::local_seconds;
  add<nonexistent_local_time>(
      table, "std::chrono::nonexistent_local_time",
      [](const nonexistent_local_time&) { return std::tuple<>(); },
      [](const std::string&) {
        local_info what{};
        what.result = local_info::nonexistent;
        return nonexistent_local_time(local_seconds(), what);
      });
  add<ambiguous_local_time>(
      table, "std::chrono::ambiguous_local_time", [](const ambiguous_local_time&) { return std::tuple<>(); },
      [](const std::string&) {
        local_info what{};
        what.result = local_info::ambiguous;
        return ambiguous_local_time(local_seconds(), what);
      });
#endif
}

void add_own(dispatch_table& table) {
  add_with_text<error>(table, "ferry::error");
  add_with_text<usage_error>(table, "ferry::usage_error");
  add_with_code<system_error>(table, "ferry::system_error");
  add_with_text<spawning_error>(table, "ferry::spawning_error");
  add_with_text<transfer_error>(table, "ferry::transfer_error");
  add_with_text<end_of_stream>(table, "ferry::end_of_stream");
  add_with_text<queue_closed>(table, "ferry::queue_closed");
  add_with_text<truncated_message>(table, "ferry::truncated_message");
  add_with_text<authentication_error>(table, "ferry::authentication_error");
  add_with_text<process_error>(table, "ferry::process_error");
  add_with_text<task_cancelled>(table, "ferry::task_cancelled");
  add_with_text<pool_closed>(table, "ferry::pool_closed");
  add_with_offset<archive_error>(table, "ferry::archive_error");
  add_with_offset<limit_exceeded>(table, "ferry::limit_exceeded");
  add<type_mismatch>(
      table, "ferry::type_mismatch",
      [](const type_mismatch& e) { return std::tie(e.held(), e.asked(), e.difference()); },
      [](const std::string&, const std::string& held, const std::string& asked,
         const std::string& difference) {
        return difference.empty() ? type_mismatch(held, asked) : type_mismatch(held, asked, difference);
      });
  add<name_error>(
      table, "ferry::name_error", [](const name_error& e) { return std::tie(e.name()); },
      [](const std::string& text, std::string name) { return name_error(text, std::move(name)); });
  add<broken_barrier>(
      table, "ferry::broken_barrier", [](const broken_barrier& e) { return std::tuple(e.why(), e.pid()); },
      [](const std::string&, broken_barrier::cause why, std::int64_t pid) {
        return broken_barrier(why, pid);
      });
  add<owner_died>(
      table, "ferry::owner_died", [](const owner_died& e) { return std::tuple(e.pid()); },
      [](const std::string&, std::int64_t pid) { return owner_died(pid); });
  add<tasks_lost>(
      table, "ferry::tasks_lost", [](const tasks_lost& e) { return std::tuple(e.count(), e.process()); },
      [](const std::string&, std::uint64_t count, std::int64_t process) {
        return tasks_lost(count, process);
      });
  add<worker_died>(
      table, "ferry::worker_died",
      [](const worker_died& e) { return std::tuple(e.why(), e.code(), e.pid(), e.task()); },
      [](const std::string&, worker_died::cause why, int code, std::int64_t pid, std::size_t task) {
        return worker_died(why, code, pid, task);
      });
  add<process_died>(
      table, "ferry::process_died",
      [](const process_died& e) { return std::tuple(e.name(), e.pid(), e.signal(), e.core_dumped()); },
      [](const std::string&, std::string name, std::int64_t pid, int signal, bool core_dumped) {
        return process_died(std::move(name), pid, signal, core_dumped);
      });
  add<carrying_error>(
      table, "ferry::carrying_error",
      [](const carrying_error& e) { return std::tuple(e.what_failed(), e.task(), e.type_name(), e.why()); },
      [](const std::string&, carrying_error::part what, std::size_t task, std::string type_name,
         std::string why) { return carrying_error(what, task, std::move(type_name), std::move(why)); });
  add<buffer_too_short>(
      table, "ferry::buffer_too_short",
      [](const buffer_too_short& e) {
        return std::tuple<std::size_t, const std::vector<std::byte>&>(e.capacity(), e.message());
      },
      [](const std::string&, std::size_t capacity, std::vector<std::byte> message) {
        return buffer_too_short(capacity, std::move(message));
      });
}

}  // namespace

void include_exceptions() {
  [[maybe_unused]] static const bool included = [] {
    add_standard(global_table());
    add_own(global_table());
    return true;
  }();
}

}  // namespace ferry::detail
