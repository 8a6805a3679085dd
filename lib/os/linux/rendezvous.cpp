// SPDX-License-Identifier: BSL-1.0
// Unix and TCP sockets that listen and connect.
#include "os/rendezvous.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/system_calls.hpp"
#include "os/random.hpp"
#include "os/wait.hpp"

#include <gsl/narrow>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <vector>

namespace ferry::os {
namespace {

/// A socket address in the system's form.
struct native_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  unique_handle folder;  // open for as long as a name relative to it is in use

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

native_address local_address(std::string_view name, bool with_end) {
  native_address result;
  auto& local = reinterpret_cast<sockaddr_un&>(result.storage);
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, name.data(), name.size());
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (with_end ? 1 : 0));
  return result;
}

constexpr std::size_t longest_name = sizeof(sockaddr_un::sun_path) - 1;

[[noreturn]] void throw_name_too_long(const std::string& operation) {
  throw_system_error(ENAMETOOLONG, operation + ": a socket's name may have " + std::to_string(longest_name) +
                                       " bytes: choose a shorter one");
}

native_address abstract_address(const std::string& name, const std::string& operation) {
  if (name.size() > longest_name) throw_name_too_long(operation);
  return local_address(std::string(1, '\0') + name, false);
}

/// A path that is too long goes by way of its folder, opened.
native_address path_address(const std::string& path, const std::string& operation) {
  if (path.size() <= longest_name) return local_address(path, true);
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  unique_handle opened(above_streams(calls().open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0)));
  if (!opened.valid()) throw_system_error(operation + ": open its folder");
  const std::string by_folder = "/proc/self/fd/" + std::to_string(opened.native()) + "/" +
                                path.substr(slash == std::string::npos ? 0 : slash + 1);
  if (by_folder.size() > longest_name) throw_name_too_long(operation);
  native_address result = local_address(by_folder, true);
  result.folder = std::move(opened);
  return result;
}

std::vector<native_address> network_addresses(const address& where, bool to_listen,
                                              const std::string& operation) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = to_listen ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(where.port());
  const int problem =
      ::getaddrinfo(where.name().empty() ? nullptr : where.name().c_str(), port.c_str(), &hints, &found);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  if (problem == EAI_SYSTEM) throw_system_error(operation);
  if (problem != 0) throw_system_error(EADDRNOTAVAIL, operation + ": " + ::gai_strerror(problem));
  std::vector<native_address> result;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    native_address next;
    std::memcpy(&next.storage, each->ai_addr, each->ai_addrlen);
    next.size = each->ai_addrlen;
    result.push_back(std::move(next));
  }
  return result;
}

std::vector<native_address> native_addresses(const address& where, bool to_listen,
                                             const std::string& operation) {
  std::vector<native_address> result;
  switch (where.kind()) {
    case address::family::path:
      result.push_back(path_address(where.name(), operation));
      break;
    case address::family::abstract:
      result.push_back(abstract_address(where.name(), operation));
      break;
    case address::family::tcp:
      return network_addresses(where, to_listen, operation);
  }
  return result;
}

address from_native(const native_address& native) {
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(native.get(), native.size, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    throw_system_error(EADDRNOTAVAIL, "read a network address");
  }
  return address::tcp(host.data(), gsl::narrow<std::uint16_t>(std::stoi(port.data())));
}

unique_handle new_socket(const native_address& where, const std::string& operation) {
  unique_handle made(
      above_streams(calls().socket(where.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  if (!made.valid()) throw_system_error(operation);
  return made;
}

void set_option(handle_view socket, int level, int option) {
  constexpr int on = 1;
  ::setsockopt(socket.native(), level, option, &on, sizeof on);
}

void remove_file_of(const native_address& where) noexcept {
  if (where.storage.ss_family != AF_UNIX) return;
  const char* const path = reinterpret_cast<const sockaddr_un&>(where.storage).sun_path;
  if (*path != '\0') ::unlink(path);
}

/// Leaves no socket file when it fails.
/// @returns 0, or the error number
int try_listen(handle_view socket, const native_address& where, int backlog) {
  // A server that is started again must not wait until the connections of its predecessor are forgotten.
  if (where.storage.ss_family != AF_UNIX) set_option(socket, SOL_SOCKET, SO_REUSEADDR);
  if (calls().bind(socket.native(), where.get(), where.size) != 0) return errno;
  if (calls().listen(socket.native(), backlog) == 0) return 0;
  const int code = errno;
  remove_file_of(where);
  return code;
}

int pending_error(handle_view socket) {
  int code = 0;
  socklen_t size = sizeof code;
  return ::getsockopt(socket.native(), SOL_SOCKET, SO_ERROR, &code, &size) == 0 ? code : errno;
}

/// @returns 0, or the error number
int try_connect(handle_view socket, const native_address& where, deadline until) {
  retry_pause pause;
  for (;;) {
    if (calls().connect(socket.native(), where.get(), where.size) == 0) return 0;
    switch (errno) {
      case EINTR:
      case EINPROGRESS:
        return wait_writable(socket, until) ? pending_error(socket) : ETIMEDOUT;
      case EAGAIN:  // the backlog of a local listener is full, and nothing tells when it is not
        if (!pause(until)) return ETIMEDOUT;
        break;
      default:
        return errno;
    }
  }
}

}  // namespace

namespace {

/// A name that no other process comes upon, neither now nor when it is free again.
address new_name() {
  std::array<std::byte, 16> random{};
  fill_random(random);
  std::string name = "ferry-";
  for (const std::byte each : random) {
    constexpr std::string_view digits = "0123456789abcdef";
    name += digits[std::to_integer<unsigned>(each) >> 4U];
    name += digits[std::to_integer<unsigned>(each) & 15U];
  }
  return address::abstract(std::move(name));
}

/// Whether a socket file is left of a socket that is gone. Asked with a socket of another type, which a
/// listener does not notice: if there is any, the system says that it is of the wrong type.
bool is_dead(const std::string& path, const native_address& where) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const unique_handle probe(above_streams(calls().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  return probe.valid() && calls().connect(probe.native(), where.get(), where.size) != 0 &&
         errno == ECONNREFUSED;
}

/// Keeps others who do the same out of the folder of `path`, for as long as the result is open; the system
/// ends it when the process dies.
unique_handle lock_folder_of(const std::string& path, const std::string& operation) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  unique_handle opened(above_streams(calls().open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)));
  if (!opened.valid()) throw_system_error(operation + ": open its folder, to replace a socket file in it");
  retry_pause pause;
  // A listener that starts holds it for a moment. Any other process that has it may have it for ever.
  const deadline until = deadline::after(std::chrono::seconds(5));
  while (calls().flock(opened.native(), LOCK_EX | LOCK_NB) != 0) {
    if ((errno != EWOULDBLOCK && errno != EINTR) || !pause(until))
      throw_system_error(operation + ": lock its folder, to replace a socket file in it");
  }
  return opened;
}

/// @returns 0, or the error number
int try_to_replace(handle_view socket, const address& where, const native_address& native, int backlog,
                   const std::string& operation) {
  const unique_handle lock = lock_folder_of(where.name(), operation);
  if (is_dead(where.name(), native)) remove_path(where.name());
  return try_listen(socket, native, backlog);
}

[[noreturn]] void throw_in_use(const std::string& path, bool replace_dead, const std::string& operation) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode))
    throw_system_error(EADDRINUSE, operation + ": the file exists, and is no socket");
  throw_system_error(EADDRINUSE,
                     operation + (replace_dead ? ": the file exists, and a socket lives behind it"
                                               : ": the file exists: set listener_options::replace_dead, or "
                                                 "remove it if no listener lives behind it"));
}

}  // namespace

listening_socket listen_on(const address& wanted, int backlog, bool replace_dead) {
  const bool any_name = wanted.kind() == address::family::abstract && wanted.is_open();
  address where = any_name ? new_name() : wanted;
  const std::string operation = "listen on " + where.text();
  int code = EADDRNOTAVAIL;
  for (const native_address& each : native_addresses(where, true, operation)) {
    unique_handle socket = new_socket(each, operation);
    code = try_listen(socket, each, backlog);
    if (code == EADDRINUSE && replace_dead && where.kind() == address::family::path)
      code = try_to_replace(socket, where, each, backlog, operation);
    if (code != 0) continue;
    if (where.kind() != address::family::tcp) return {std::move(socket), std::move(where)};
    native_address bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(socket.native(), bound.get(), &bound.size) != 0) throw_system_error(operation);
    return {std::move(socket), from_native(bound)};
  }
  if (code == EADDRINUSE && where.kind() == address::family::path)
    throw_in_use(where.name(), replace_dead, operation);
  throw_system_error(code, operation);
}

namespace {

/// Whether an error of accepting can be that of one connection, which is gone with it.
bool may_concern_one_connection(int code) {
  switch (code) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:  // said to come from a firewall
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<accepted_socket> accept_from(handle_view listening) {
  // What is said so often in a row is not said of one connection.
  constexpr int most_failures = 16;
  for (int failures = 1;; ++failures) {
    native_address peer;
    peer.size = sizeof peer.storage;
    unique_handle accepted(
        above_streams(calls().accept4(listening.native(), peer.get(), &peer.size, SOCK_CLOEXEC)));
    if (accepted.valid()) {
      if (peer.storage.ss_family == AF_UNIX) return accepted_socket{std::move(accepted), std::nullopt};
      set_option(accepted, IPPROTO_TCP, TCP_NODELAY);
      return accepted_socket{std::move(accepted), from_native(peer)};
    }
    if (errno == EAGAIN) return std::nullopt;
    if (failures == most_failures || !may_concern_one_connection(errno))
      throw_system_error("accept a connection");
  }
}

unique_handle connect_to(const address& where, deadline until) {
  const std::string operation = "connect to " + where.text();
  if (where.is_open())
    throw_system_error(EINVAL, operation + ": that is up to the listener, whose where() tells its address");
  int code = EADDRNOTAVAIL;
  for (const native_address& each : native_addresses(where, false, operation)) {
    unique_handle socket = new_socket(each, operation);
    code = try_connect(socket, each, until);
    if (code != 0) continue;
    if (each.storage.ss_family != AF_UNIX) set_option(socket, IPPROTO_TCP, TCP_NODELAY);
    const int flags = ::fcntl(socket.native(), F_GETFL);
    if (flags < 0 || ::fcntl(socket.native(), F_SETFL, flags & ~O_NONBLOCK) != 0)
      throw_system_error(operation);
    return socket;
  }
  throw_system_error(code, operation);
}

std::optional<credentials> peer_credentials(handle_view socket) {
  const std::string operation =
      "ask who is at the other end of descriptor " + std::to_string(socket.native());
  int domain = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(socket.native(), SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
    throw_system_error(operation);
  if (domain != AF_UNIX) return std::nullopt;
  ucred peer{};
  size = sizeof peer;
  if (::getsockopt(socket.native(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    throw_system_error(operation);
  return credentials{peer.pid, peer.uid, peer.gid};
}

std::uint32_t current_user() {
  return ::geteuid();
}

std::optional<memory_identity> identify_path(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  return memory_identity{status.st_dev, status.st_ino};
}

void remove_path(const std::string& path) noexcept {
  ::unlink(path.c_str());
}

}  // namespace ferry::os
