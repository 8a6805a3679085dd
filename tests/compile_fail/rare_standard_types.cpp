// SPDX-License-Identifier: BSL-1.0
// Types of the standard library that one seldom thinks of sending.
#include <ferry/connection.hpp>
#include <ferry/file.hpp>

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <system_error>
#include <version>
#ifdef __cpp_lib_source_location
#  include <source_location>
#else
namespace std {
class source_location {
  [[maybe_unused]] int line_;
};
}  // namespace std
#endif
#if !defined(__cpp_lib_chrono) || __cpp_lib_chrono < 201907L
namespace std::chrono {
class time_zone {
  [[maybe_unused]] int offset_;
};
}  // namespace std::chrono
#endif

#ifdef FERRY_CONTROL
void send(ferry::connection& to, const std::error_code& code) {
  to.send(ferry::file::open("log", ferry::file::mode::append));
  to.send(std::current_exception());
  to.send(code);
  to.send(std::string(__FILE__));
  to.send(std::pair(std::string("Europe/Berlin"), std::chrono::system_clock::now()));
}
#else
template <class T>
struct holder {
  T held;
};
template <class... T>
void send(const holder<T>&... value) {
  (void(ferry::dumps(value)), ...);
}
template void send(const holder<std::iostream>&, const holder<std::nested_exception>&,
                   const holder<std::ios_base::Init>&, const holder<std::source_location>&,
                   const holder<std::chrono::time_zone>&);
void send() {
  ferry::dumps(std::generic_category());
}
#endif
