// SPDX-License-Identifier: BSL-1.0
// Values one after the other in a std::ostream, and out of a std::istream: a file, a pipe, a string.
#pragma once

#include <ferry/archive.hpp>

#include <iosfwd>
#include <type_traits>

namespace ferry {

namespace detail {

/// @throws transfer_error  when the message has handles; archive_error  when the stream takes nothing further
void write_message(std::ostream& to, const message& what);
/// Asks for memory as the bytes come, not as the frame says.
/// @throws end_of_stream  when nothing more comes; archive_error  when the stream ends within a message, or
/// holds no frame; limit_exceeded
message read_message(std::istream& from, std::size_t most_bytes);

template <class T>
void write_value(std::ostream& to, const T& value, const archive_options& options) {
  if constexpr (requires { value.const_value(); } && is_boost_wrapper<T>) {  // nvp
    write_value(to, value.const_value(), options);
  } else {
    write_message(to, dumps(value, options));
  }
}
template <class T>
void read_value(std::istream& from, T& value, const archive_options& options) {
  using object = std::remove_const_t<T>;
  if constexpr (requires { value.const_value(); } && is_boost_wrapper<object>) {
    read_value(from, value.value(), options);
  } else if constexpr (std::is_const_v<T>) {
    refuse_const<object>();
  } else {
    loads_into(value, read_message(from, options.limit.bytes), options);
  }
}

}  // namespace detail

/// Writes values into a stream, each as a message of its own, in the frames of streams and plain pipes
/// (docs/wire-format.md): `archive << a << b`. Objects that two values share are written with each. Blocks as
/// the stream does, which is flushed by its owner and must be binary; not thread-safe.
class stream_oarchive {
 public:
  /// @param to  must outlive the archive
  explicit stream_oarchive(std::ostream& to, const archive_options& options = {})
      : to_(to), options_(options) {}

  /// @throws what `dumps` throws; transfer_error  when there are live objects in the value, which cannot be
  /// in a stream of bytes; archive_error  when the stream fails. Nothing is written then, unless the stream
  /// failed.
  template <class T>
  stream_oarchive& operator<<(const T& value) {
    detail::write_value(to_, value, options_);
    return *this;
  }
  template <class T>
  stream_oarchive& operator&(const T& value) {
    return *this << value;
  }

 private:
  std::ostream& to_;
  archive_options options_;
};

/// Reads what a `stream_oarchive` wrote, or a process over a plain pipe. Trusts nothing, as `loads`: a length
/// that is not true costs at most the memory of the bytes that come. Not thread-safe.
class stream_iarchive {
 public:
  /// @param from  must outlive the archive
  explicit stream_iarchive(std::istream& from, const archive_options& options = {})
      : from_(from), options_(options) {}

  /// Blocks until the whole value has come. Leaves the value valid, of unspecified content, if it throws.
  /// @throws end_of_stream  when the stream ends before the value; what `loads` throws
  template <class T>
  stream_iarchive& operator>>(T&& value) {
    detail::read_value(from_, value, options_);
    return *this;
  }
  template <class T>
  stream_iarchive& operator&(T&& value) {
    return *this >> value;
  }

 private:
  std::istream& from_;
  archive_options options_;
};

}  // namespace ferry
