// Error codes and exceptions: to bytes and back.
#include <ferry/archive.hpp>
#include <ferry/dispatch_table.hpp>

#include "archive/table_of.hpp"
#include "os/process.hpp"

#include <boost/core/demangle.hpp>
#include <boost/exception/diagnostic_information.hpp>

#include <cxxabi.h>
#include <future>
#include <ios>

namespace ferry::detail {
namespace {

const std::error_category& category_named(std::string_view name) {
  for (const std::error_category* known : {&std::system_category(), &std::generic_category(),
                                           &std::iostream_category(), &std::future_category()}) {
    if (name == known->name()) return *known;
  }
  throw name_error("error codes cross by the name of their category, and '" + std::string(name) +
                       "' is not one of the standard library: send the number, and make the code there",
                   std::string(name));
}

template <class Code>
void save_code(forking_oarchive& archive, const Code& code) {
  save(archive, std::string_view(category_named(code.category().name()).name()));
  save(archive, static_cast<std::int32_t>(code.value()));
}
template <class Code>
void load_code(forking_iarchive& archive, Code& code) {
  const std::error_category& category = category_named(make<std::string>(archive));
  code.assign(make<std::int32_t>(archive), category);
}

// --- exceptions ------------------------------------------------------------------------------------------
//
// An exception always arrives: as type name, text, origin and trace, which anyone can read, and besides,
// where a table names its type, as a message of its own, which is passed over where it cannot be read.

std::string spelled(const std::type_info& type) {
  std::string name = boost::core::demangle(type.name());
  // Made by std::throw_with_nested and by BOOST_THROW_EXCEPTION of what was thrown.
  for (const std::string_view around : {"std::_Nested_exception<", "boost::wrapexcept<"})
    if (name.starts_with(around)) name = name.substr(around.size(), name.size() - around.size() - 1);
  return name;
}

/// What it says and carries, and what those do that it was thrown with (std::throw_with_nested).
struct account {
  std::string text, trace;

  void add(const std::exception& error, int depth = 0) {
    constexpr int deepest = 16;
    text += error.what();
    if (const auto* const carrier = dynamic_cast<const boost::exception*>(&error))
      trace += boost::diagnostic_information_what(*carrier);
    const auto* const outer = dynamic_cast<const std::nested_exception*>(&error);
    if (outer == nullptr || outer->nested_ptr() == nullptr || depth == deepest) return;
    try {
      outer->rethrow_nested();
    } catch (const std::exception& inner) {
      text += ": ";
      add(inner, depth + 1);
    } catch (...) {
      return;
    }
  }
};

remote_error describe(const std::exception& error) {
  if (const auto* const remote = dynamic_cast<const remote_error*>(&error)) return *remote;
  account told;
  told.add(error);
  return {spelled(typeid(error)), std::move(told.text), os::own_id(), std::move(told.trace)};
}

/// The exception by its entry, as a message; empty when it has none, or when that fails: the reason to send
/// an exception must not be lost for a part of it that cannot cross.
message dump_whole(const std::exception& error, archive_options options) {
  const dispatch_table& table = table_of(options);
  const dispatch_entry* const entry = table.find(typeid(error));
  if (entry == nullptr) return {};
  options.memory = nullptr;
  try {
    forking_oarchive archive(entry->name(), options);
    entry->save(archive, dynamic_cast<const void*>(&error));
    return archive.finish();
  } catch (const std::exception&) {
    return {};
  }
}

/// Null when there is no entry here, or it cannot read the message.
std::exception_ptr load_whole(message from, const archive_options& options) {
  try {
    forking_iarchive archive(std::move(from), options);
    const dispatch_entry& entry = archive.entry_named(archive.type_name());
    const erased_object loaded = entry.load(archive);
    archive.finish();
    return entry.as_exception(loaded.get());
  } catch (const std::exception&) {
    return nullptr;
  }
}

void save_exception(forking_oarchive& archive, const remote_error& told, message whole) {
  save(archive, told.type_name());
  save(archive, told.text());
  save(archive, told.origin());
  save(archive, told.trace());
  save(archive, whole.bytes());
  archive.write_size(whole.handles().size());
  for (const unique_handle& handle : whole.handles()) archive.write_handle(handle);
}

archive_options with_what_is_left(archive_options options, const limits& left) {
  options.limit = left;
  return options;
}

}  // namespace

void codec<std::error_code>::save(forking_oarchive& archive, const std::error_code& code) {
  save_code(archive, code);
}
void codec<std::error_code>::load(forking_iarchive& archive, std::error_code& code) {
  load_code(archive, code);
}
void codec<std::error_condition>::save(forking_oarchive& archive, const std::error_condition& condition) {
  save_code(archive, condition);
}
void codec<std::error_condition>::load(forking_iarchive& archive, std::error_condition& condition) {
  load_code(archive, condition);
}

void codec<std::exception_ptr>::save(forking_oarchive& archive, const std::exception_ptr& exception) {
  save_number(archive, exception != nullptr);
  if (exception == nullptr) return;
  const nesting level(archive);
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    const auto options = with_what_is_left(archive.options(), archive.limits_left());
    save_exception(archive, describe(error), dump_whole(error, options));
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    save_exception(archive,
                   {type != nullptr ? spelled(*type) : "unknown", "not a std::exception", os::own_id()}, {});
  }
}

void codec<std::exception_ptr>::load(forking_iarchive& archive, std::exception_ptr& exception) {
  exception = nullptr;
  if (!make<bool>(archive)) return;
  const nesting level(archive);
  std::string type_name = make<std::string>(archive);
  std::string text = make<std::string>(archive);
  const auto origin = make<std::int64_t>(archive);
  std::string trace = make<std::string>(archive);

  const std::size_t size = archive.read_count();
  buffer whole;
  whole.append(archive.take(size), size);
  std::vector<unique_handle> handles(archive.read_count());
  for (unique_handle& handle : handles) handle = archive.read_handle();
  if (size != 0) {
    exception = load_whole(message(std::move(whole), std::move(handles)),
                           with_what_is_left(archive.options(), archive.limits_left()));
  }
  if (exception == nullptr)
    exception = std::make_exception_ptr(
        remote_error(std::move(type_name), std::move(text), origin, std::move(trace)));
}

}  // namespace ferry::detail
