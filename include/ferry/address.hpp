// SPDX-License-Identifier: BSL-1.0
// Addresses at which listeners can be found.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ferry {

/// The address of a listener: a socket file, a name that exists in the kernel alone, or a network address. A
/// value.
class address {
 public:
  enum class family {
    path,      ///< a socket file; who may connect is up to the permissions of its folder and file
    abstract,  ///< a name without a file (Linux); gone with the listener
    tcp,       ///< a host, by name or number (IPv4 and IPv6), and a port
  };

  /// @param path  may be longer than the 107 bytes of a socket address; its last component may not
  static address path(std::string path);
  static address abstract(std::string name);
  /// An abstract name that no process has, nor can guess; for a listener, whose `where()` tells it.
  static address any();
  /// @param host  name or number; empty: every interface, for a listener
  /// @param port  0: any free one, for a listener
  static address tcp(std::string host, std::uint16_t port);

  /// True for `any()`, and for port 0: what it comes to is up to the listener.
  bool is_open() const noexcept;

  /// Reads `unix:/some/path`, `unix:@name` (abstract), `tcp:host:port`, `tcp:[::1]:port`.
  /// @throws system_error  `std::errc::invalid_argument` for anything else
  static address parse(std::string_view text);
  /// What `parse` reads. Of `any()`, which is no address to be given to others, only for error texts.
  std::string text() const;

  family kind() const noexcept { return kind_; }
  /// Path, abstract name without any prefix, or host.
  const std::string& name() const noexcept { return name_; }
  /// For TCP, else 0.
  std::uint16_t port() const noexcept { return port_; }

  bool operator==(const address&) const = default;

 private:
  address() noexcept = default;
  address(family kind, std::string name, std::uint16_t port);

  family kind_ = family::abstract;
  std::string name_;
  std::uint16_t port_ = 0;
};

}  // namespace ferry
