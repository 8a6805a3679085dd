// SPDX-License-Identifier: BSL-1.0
// Texts about exceptions, for people.
#pragma once

#include <exception>
#include <string>
#include <typeinfo>

namespace ferry::detail {

/// The type as it stands in the code that threw it, without what `std::throw_with_nested`,
/// BOOST_THROW_EXCEPTION and arriving here have made of it.
std::string name_of_thrown(const std::type_info& type);

/// Type and text of the exception that is handled, and of those that it was thrown with.
std::string describe_current_exception();

}  // namespace ferry::detail
