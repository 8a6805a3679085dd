// SPDX-License-Identifier: BSL-1.0
// Error codes and exceptions: to bytes and back.
#include <ferry/archive.hpp>
#include <ferry/dispatch_table.hpp>

#include "archive/exceptions.hpp"
#include "archive/table_of.hpp"
#include "archive/thrown.hpp"
#include "os/process.hpp"

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
// An exception always arrives: as type name, text, origin and trace, which every reader understands, and
// besides, where a table names its type or a base of it, as a message of its own, which is passed over where
// it cannot be read. What it was thrown with follows.

constexpr int deepest_cause = 16;

/// What `what()` is of, nested in nothing.
const std::nested_exception* nested_in(const std::exception& error) {
  const auto* const outer = dynamic_cast<const std::nested_exception*>(&error);
  return outer != nullptr && outer->nested_ptr() != nullptr ? outer : nullptr;
}

/// What it says and carries, and what those do that it was thrown with (std::throw_with_nested).
struct account {
  std::string text, trace;

  void add(const std::exception& error, int depth = 0) {
    text += error.what();
    if (const auto* const carrier = dynamic_cast<const boost::exception*>(&error))
      trace += boost::diagnostic_information_what(*carrier);
    const std::nested_exception* const outer = nested_in(error);
    if (outer == nullptr || depth == deepest_cause) return;
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
  return {name_of_thrown(typeid(error)), std::move(told.text), os::own_id(), std::move(told.trace)};
}

/// The entry by which an exception is to cross: that of its type or of the nearest base. Null where that says
/// only as much as `remote_error`, which is a runtime_error and a ferry::error too, and tells the type.
const dispatch_entry* entry_of(const std::exception& error, const dispatch_table& table) {
  const dispatch_entry* const entry = table.find_nearest(error);
  if (entry == nullptr || entry->type() == typeid(error)) return entry;
  for (const std::type_info* vague :
       {&typeid(std::exception), &typeid(std::runtime_error), &typeid(ferry::error)})
    if (entry->type() == *vague && name_of_thrown(typeid(error)) != name_of_thrown(*vague)) return nullptr;
  return entry;
}

/// The exception by its entry, as a message; empty when it has none, or when that fails: the reason to send
/// an exception must not be lost for a part of it that cannot cross.
message dump_whole(const std::exception& error, archive_options options) {
  options.memory = nullptr;
  try {
    include_exceptions();
    const dispatch_entry* const entry = entry_of(error, table_of(options));
    if (entry == nullptr) return {};
    forking_oarchive archive(entry->label(), options);
    entry->save(archive, entry->part_of(error));
    return archive.finish();
  } catch (const std::exception&) {
    return {};
  }
}

/// Null when there is no entry here, or it cannot read the message.
std::exception_ptr load_whole(message from, const std::exception_ptr& cause, const archive_options& options) {
  try {
    forking_iarchive archive(std::move(from), options);
    include_exceptions();
    const dispatch_entry& entry = archive.entry_named(archive.type_name());
    archive.check_members(entry.form(), entry.label());
    const erased_object loaded = entry.load(archive);
    archive.finish();
    return entry.as_exception(loaded.get(), cause);
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

void save_pointer(forking_oarchive& archive, const std::exception_ptr& exception, int depth);

/// What the exception was thrown with, as far as there is room for it: the text tells it anyway.
void save_cause(forking_oarchive& archive, const std::nested_exception* outer, int depth) {
  constexpr std::size_t levels_needed = 3;
  const bool has_room = depth < deepest_cause && archive.limits_left().depth > levels_needed;
  save_pointer(archive, outer != nullptr && has_room ? outer->nested_ptr() : nullptr, depth + 1);
}

archive_options with_what_is_left(archive_options options, const limits& left) {
  options.limit = left;
  return options;
}

void save_pointer(forking_oarchive& archive, const std::exception_ptr& exception, int depth) {
  save_number(archive, exception != nullptr);
  if (exception == nullptr) return;
  const nesting level(archive);
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    const auto options = with_what_is_left(archive.options(), archive.limits_left());
    save_exception(archive, describe(error), dump_whole(error, options));
    save_cause(archive, nested_in(error), depth);
  } catch (const std::nested_exception& outer) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    save_exception(
        archive, {type != nullptr ? name_of_thrown(*type) : "unknown", "not a std::exception", os::own_id()},
        {});
    save_cause(archive, outer.nested_ptr() != nullptr ? &outer : nullptr, depth);
  } catch (...) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    save_exception(
        archive, {type != nullptr ? name_of_thrown(*type) : "unknown", "not a std::exception", os::own_id()},
        {});
    save_cause(archive, nullptr, depth);
  }
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
  save_pointer(archive, exception, 0);
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
  const auto options = with_what_is_left(archive.options(), archive.limits_left());
  std::exception_ptr cause;
  load(archive, cause);
  if (size != 0) exception = load_whole(message(std::move(whole), std::move(handles)), cause, options);
  if (exception == nullptr) {
    const remote_error told(std::move(type_name), std::move(text), origin, std::move(trace));
    exception = with_cause(told, cause);
  }
}

}  // namespace ferry::detail
