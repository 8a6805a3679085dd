// SPDX-License-Identifier: BSL-1.0
// Texts of addresses.
#include <ferry/address.hpp>
#include <ferry/error.hpp>

#include <charconv>
#include <utility>

namespace ferry {
namespace {

[[noreturn]] void throw_invalid(std::string_view text, const char* reason) {
  throw system_error(std::make_error_code(std::errc::invalid_argument),
                     "read the address '" + std::string(text) + "' (" + reason +
                         "; addresses are unix:/some/path, unix:@name, tcp:host:port, tcp:[::1]:port)");
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

address::address(family kind, std::string name, std::uint16_t port)
    : kind_(kind), name_(std::move(name)), port_(port) {
  if (kind_ == family::path && (name_.empty() || name_.find('\0') != std::string::npos)) {
    throw_invalid("unix:" + name_, "a path is not empty and has no NUL in it");
  }
  if (kind_ == family::abstract && name_.empty())
    throw_invalid("unix:@", "the name is empty; address::any() is for a listener that finds one itself");
}

address address::path(std::string path) {
  return {family::path, std::move(path), 0};
}
address address::abstract(std::string name) {
  return {family::abstract, std::move(name), 0};
}
address address::any() {
  return {};
}
bool address::is_open() const noexcept {
  return kind_ == family::tcp ? port_ == 0 : name_.empty();
}
address address::tcp(std::string host, std::uint16_t port) {
  return {family::tcp, std::move(host), port};
}

address address::parse(std::string_view text) {
  std::string_view rest = text;
  if (take_prefix(rest, "unix:@")) return abstract(std::string(rest));
  if (take_prefix(rest, "unix:")) return path(std::string(rest));
  if (!take_prefix(rest, "tcp:")) throw_invalid(text, "unknown kind");

  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) throw_invalid(text, "no port");
  std::string_view host = rest.substr(0, colon);
  const std::string_view digits = rest.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (problem != std::errc() || end != digits.data() + digits.size())
    throw_invalid(text, "not a port number");
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    throw_invalid(text, "a number of IPv6 goes in brackets");
  }
  return tcp(std::string(host), port);
}

std::string address::text() const {
  switch (kind_) {
    case family::path:
      return "unix:" + name_;
    case family::abstract:
      return "unix:@" + name_;
    case family::tcp:
      break;
  }
  const bool numeric_v6 = name_.find(':') != std::string::npos;
  return "tcp:" + (numeric_v6 ? "[" + name_ + "]" : name_) + ":" + std::to_string(port_);
}

}  // namespace ferry
