// SPDX-License-Identifier: BSL-1.0
// Making a pair of ends of every kind.
#include "channel/carriers.hpp"

#include "archive/envelope.hpp"
#include "channel/in_process_driver.hpp"
#include "os/socket.hpp"

#include <boost/test/unit_test.hpp>

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>

namespace ferry::test {

ends local::make() {
  auto [first, second] = ferry::pipe();
  return {std::move(first), std::move(second)};
}

ends unix_stream::make() {
  auto [first, second] = os::stream_socket_pair();
  return {connection(std::move(first)), connection(std::move(second))};
}

ends tcp::make() {
  const unique_handle listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  BOOST_REQUIRE(::bind(listening.native(), generic, size) == 0);
  BOOST_REQUIRE(::listen(listening.native(), 1) == 0);
  BOOST_REQUIRE(::getsockname(listening.native(), generic, &size) == 0);
  unique_handle client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  BOOST_REQUIRE(::connect(client.native(), generic, size) == 0);
  unique_handle server(::accept4(listening.native(), nullptr, nullptr, SOCK_CLOEXEC));
  return {connection(std::move(client)), connection(std::move(server))};
}

ends plain_pipe::make() {
  auto [reading, writing] = os::plain_pipe();
  return {connection(std::move(writing), access::write_only),
          connection(std::move(reading), access::read_only)};
}

ends in_process::make() {
  auto [first, second] = channel::make_in_process_drivers();
  return {connection(std::move(first)), connection(std::move(second))};
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::vector<std::byte> some_bytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>((i * 2654435761U) >> 13U);
  return bytes;
}

std::vector<unique_handle> some_handles(std::size_t count) {
  std::vector<unique_handle> handles;
  if (count == 0) return handles;
  handles.push_back(os::plain_pipe().first);
  while (handles.size() < count) handles.push_back(duplicate(handles.front()));
  return handles;
}

message some_message(std::size_t size, std::size_t handle_count) {
  detail::envelope head;
  head.body_size = size;
  head.handle_count = static_cast<std::uint32_t>(handle_count);
  buffer bytes;
  bytes.append(&head, sizeof head);
  bytes.append(some_bytes(size).data(), size);
  return message(std::move(bytes), some_handles(handle_count));
}

}  // namespace ferry::test
