// SPDX-License-Identifier: BSL-1.0
// Error codes and exceptions in flight.
#pragma once

#include <ferry/detail/archive/codec.hpp>

#include <exception>
#include <system_error>

namespace ferry::detail {

/// The category crosses by name, and must be one of the standard library.
/// @throws name_error  for another, when it is written and when it is read
template <>
struct codec<std::error_code> {
  static void save(forking_oarchive& archive, const std::error_code& code);
  static void load(forking_iarchive& archive, std::error_code& code);
};
template <>
struct codec<std::error_condition> {
  static void save(forking_oarchive& archive, const std::error_condition& condition);
  static void load(forking_iarchive& archive, std::error_condition& condition);
};

/// As its own type if that is in a dispatch table on both sides, and crosses; else as `remote_error`.
template <>
struct codec<std::exception_ptr> {
  static void save(forking_oarchive& archive, const std::exception_ptr& exception);
  static void load(forking_iarchive& archive, std::exception_ptr& exception);
};

}  // namespace ferry::detail
