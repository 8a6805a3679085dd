// SPDX-License-Identifier: BSL-1.0
// Types of the standard library that one seldom thinks of sending.
// expect: ferry: .*a stream cannot cross.*ferry::file
// expect: ferry: .*a std::nested_exception cannot cross.*std::exception_ptr
// expect: ferry: .*a std::error_category cannot cross.*std::error_code
// expect: ferry: .*a class of the standard library that has no way to cross
// expect: std::error_category
#include <ferry/connection.hpp>
#include <ferry/file.hpp>

#include <exception>
#include <iostream>
#include <system_error>

#ifdef FERRY_CONTROL
void send(ferry::connection& to, const std::error_code& code) {
  to.send(ferry::file::open("log", ferry::file::mode::append));
  to.send(std::current_exception());
  to.send(code);
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
                   const holder<std::ios_base::Init>&);
void send() {
  ferry::dumps(std::generic_category());
}
#endif
