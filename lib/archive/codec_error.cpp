// Error codes and exceptions: to bytes and back.
#include <ferry/archive.hpp>
#include <ferry/dispatch_table.hpp>

#include "os/process.hpp"

#include <boost/core/demangle.hpp>

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

std::string current_exception_type_name() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  return type != nullptr ? boost::core::demangle(type->name()) : "unknown";
}

void save_remote(forking_oarchive& archive, const remote_error& error) {
  archive.write_no_name();
  save(archive, error.type_name());
  save(archive, error.text());
  save(archive, error.origin());
}

void save_exception(forking_oarchive& archive, const std::exception& error) {
  if (const auto* const remote = dynamic_cast<const remote_error*>(&error)) {
    save_remote(archive, *remote);
    return;
  }
  const dispatch_table& table =
      archive.options().table != nullptr ? *archive.options().table : dispatch_table::global();
  if (const dispatch_entry* const entry = table.find(typeid(error))) {
    archive.write_name(entry->name());
    entry->save(archive, dynamic_cast<const void*>(&error));
    return;
  }
  save_remote(archive,
              remote_error(boost::core::demangle(typeid(error).name()), error.what(), os::own_id()));
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
  const forking_oarchive::nesting level(archive);
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& error) {
    save_exception(archive, error);
  } catch (...) {
    save_remote(archive,
                remote_error(current_exception_type_name(), "not a std::exception", os::own_id()));
  }
}

void codec<std::exception_ptr>::load(forking_iarchive& archive, std::exception_ptr& exception) {
  exception = nullptr;
  if (!make<bool>(archive)) return;
  const forking_iarchive::nesting level(archive);
  if (const std::string* const name = archive.read_optional_name()) {
    const dispatch_entry& entry = archive.entry_named(*name);
    exception = entry.as_exception(entry.load(archive).get());
    if (exception == nullptr) archive.fail("'" + entry.name() + "' is not an exception");
    return;
  }
  std::string type_name = make<std::string>(archive);
  std::string text = make<std::string>(archive);
  const auto origin = make<std::int64_t>(archive);
  exception = std::make_exception_ptr(remote_error(std::move(type_name), std::move(text), origin));
}

}  // namespace ferry::detail
