// SPDX-License-Identifier: BSL-1.0
// Serialisation of values to messages and back: dumps and loads.
#pragma once

#include <ferry/detail/archive/codec.hpp>
#include <ferry/detail/archive/codec_boost.hpp>
#include <ferry/detail/archive/codec_boost_pointer.hpp>
#include <ferry/detail/archive/codec_calendar.hpp>
#include <ferry/detail/archive/codec_error.hpp>
#include <ferry/detail/archive/codec_pointer.hpp>
#include <ferry/detail/archive/codec_standard.hpp>
#include <ferry/detail/archive/entry.hpp>
#include <ferry/forking_iarchive.hpp>
#include <ferry/forking_oarchive.hpp>

#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

namespace ferry {

namespace detail {

/// The name that the message carries: the one a table gives the type, else the type's own.
std::string_view wire_name_of(const type_identity& identity, const std::type_info& type,
                              const archive_options& options);
/// An archive for a message that carries that name.
forking_oarchive archive_for(const type_identity& identity, const std::type_info& type,
                             const archive_options& options);
/// @throws type_mismatch  unless the message holds the type under one of its names, with the members it has
void check_type_name(const forking_iarchive& archive, const type_identity& identity,
                     const std::type_info& type);

template <class T>
message dump(const T& value, const archive_options& options) {
  if constexpr (check_crossing<T, going::out>()) {
    forking_oarchive archive = archive_for(identity_of<T>(), typeid(T), options);
    archive << value;
    return archive.finish();
  } else {
    std::terminate();
  }
}

template <class T>
void load_whole(forking_iarchive& archive, T& value) {
  if constexpr (std::is_const_v<T>) {
    refuse_const<std::remove_const_t<T>>();
  } else if constexpr (check_crossing<T, going::in>()) {
    check_type_name(archive, identity_of<T>(), typeid(T));
    try {
      detail::load(archive, value);
      archive.finish();
    } catch (...) {
      archive.give_up();
    }
  }
}

/// In a function of its own, as `make_in_place` is.
template <class T>
T make_whole(forking_iarchive& archive) {
  T value = make<T>(archive);
  archive.finish();
  return value;
}
/// The value that is all of what an archive has left.
template <class T>
T read_whole(forking_iarchive& archive) {
  try {
    return make_whole<T>(archive);
  } catch (...) {
    archive.give_up();
  }
}
template <class T>
T load_whole(forking_iarchive& archive) {
  if constexpr (check_returned<T>()) {
    check_type_name(archive, identity_of<T>(), typeid(T));
    return read_whole<T>(archive);
  } else {
    std::terminate();
  }
}

/// What a value is sent as: a literal, and a pointer to characters, as a string.
template <class T>
using sent_as = std::conditional_t<std::is_convertible_v<const T&, const char*> &&
                                       (std::is_array_v<T> || std::is_pointer_v<T>),
                                   std::string_view, T>;

/// What `dumps` does.
template <class T>
message dump_value(const T& value, const archive_options& options) {
  if constexpr (std::is_same_v<sent_as<T>, T>) {
    return dump(value, options);
  } else {
    return dump(sent_as<T>(value), options);
  }
}

/// What `loads` does.
template <class T, class From>
T load_value(From from, const archive_options& options) {
  if constexpr (check_returned<T>()) {
    forking_iarchive archive(std::move(from), options, &identity_of<T>());
    return load_whole<T>(archive);
  } else {
    std::terminate();
  }
}

}  // namespace detail

/// Turns a value, with all live objects in it, into a message. String literals are sent as strings.
/// Thread-safe for distinct values; does not block.
/// @throws archive_error, limit_exceeded, spawning_error, system_error, and what reducers throw; nothing
/// leaks
template <class T>
FERRY_REFUSES(detail::refusal_of<detail::sent_as<T>, detail::going::out>)
message dumps(const T& value, const archive_options& options = {}) {
  return detail::dump_value(value, options);
}

/// Rebuilds the value, with all live objects in it. Safe on bytes from anywhere.
/// @throws type_mismatch  when the message holds another type
/// @throws archive_error  when the bytes are wrong; limit_exceeded when they pass a limit; name_error when
///         they hold a name that no table in reach has; system_error, and what a reducer's rebuild throws.
///         All handles of the message are closed then.
template <class T>
FERRY_REFUSES(detail::refusal_of_returned<T>)
T loads(message from, const archive_options& options = {}) {
  return detail::load_value<T>(std::move(from), options);
}
/// The same from bytes alone, which must stay in place until the call returns.
template <class T>
FERRY_REFUSES(detail::refusal_of_returned<T>)
T loads(std::span<const std::byte> from, const archive_options& options = {}) {
  return detail::load_value<T>(from, options);
}

/// Reads into a value that there is already, so that what it owns (elements, text) is used again: for loops
/// that receive many alike. If it throws, the value is valid but of unspecified content; else as `loads`.
template <class T>
FERRY_REFUSES(detail::refusal_of<T, detail::going::in>)
void loads_into(T& value, message from, const archive_options& options = {}) {
  forking_iarchive archive(std::move(from), options, &detail::identity_of<T>());
  detail::load_whole(archive, value);
}
template <class T>
FERRY_REFUSES(detail::refusal_of<T, detail::going::in>)
void loads_into(T& value, std::span<const std::byte> from, const archive_options& options = {}) {
  forking_iarchive archive(from, options, &detail::identity_of<T>());
  detail::load_whole(archive, value);
}

}  // namespace ferry
