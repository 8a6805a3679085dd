// SPDX-License-Identifier: BSL-1.0
// Names and texts of exceptions.
#include "archive/thrown.hpp"

#include <boost/core/demangle.hpp>

#include <cxxabi.h>
#include <string_view>

namespace ferry::detail {
namespace {

void append(std::string& text, int depth) {
  constexpr int deepest = 16;
  const std::type_info* const type = abi::__cxa_current_exception_type();
  text += type != nullptr ? name_of_thrown(*type) : "unknown type";
  const auto append_cause = [&](const std::nested_exception* outer) {
    if (outer == nullptr || outer->nested_ptr() == nullptr || depth == deepest) return;
    text += "; because of ";
    try {
      outer->rethrow_nested();
    } catch (...) {
      append(text, depth + 1);
    }
  };
  try {
    throw;
  } catch (const std::exception& caught) {
    (text += ": ") += caught.what();
    append_cause(dynamic_cast<const std::nested_exception*>(&caught));
  } catch (const std::nested_exception& outer) {
    append_cause(&outer);
  } catch (...) {
  }
}

}  // namespace

std::string name_of_thrown(const std::type_info& type) {
  std::string name = boost::core::demangle(type.name());
  constexpr std::string_view wrappers[] = {"std::_Nested_exception<",
                                           "std::__nested<",
                                           "std::__1::__nested<",
                                           "boost::wrapexcept<",
                                           "boost::exception_detail::clone_impl<",
                                           "boost::exception_detail::error_info_injector<",
                                           "ferry::detail::worded<"};
  for (bool found = true; found;) {
    found = false;
    for (const std::string_view around : wrappers) {
      if (!name.starts_with(around) || !name.ends_with('>')) continue;
      name = name.substr(around.size(), name.size() - around.size() - 1);
      while (name.ends_with(' ')) name.pop_back();
      if (name.ends_with(" const")) name.resize(name.size() - 6);  // of an lvalue that was thrown
      found = true;
    }
  }
  return name;
}

std::string describe_current_exception() {
  std::string text;
  append(text, 0);
  return text;
}

}  // namespace ferry::detail
