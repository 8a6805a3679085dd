// SPDX-License-Identifier: BSL-1.0
// Every kind of carrier, so that one test body runs over all of them.
#pragma once

#include <ferry/connection.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

namespace ferry::test {

/// What a test writes into and what it reads from.
struct ends {
  connection sender, receiver;
};

struct local {
  static ends make();
  static constexpr bool duplex = true, handles = true, keeps_packets = true;
};
struct unix_stream {
  static ends make();
  static constexpr bool duplex = true, handles = true, keeps_packets = false;
};
struct tcp {
  static ends make();
  static constexpr bool duplex = true, handles = false, keeps_packets = false;
};
struct plain_pipe {
  static ends make();
  static constexpr bool duplex = false, handles = false, keeps_packets = false;
};
struct in_process {
  static ends make();
  static constexpr bool duplex = true, handles = true, keeps_packets = true;
};

using all_carriers = std::tuple<local, unix_stream, tcp, plain_pipe, in_process>;
using duplex_carriers = std::tuple<local, unix_stream, tcp, in_process>;
using handle_carriers = std::tuple<local, unix_stream, in_process>;
using handle_socket_carriers = std::tuple<local, unix_stream>;
using stream_carriers = std::tuple<unix_stream, tcp, plain_pipe>;
using process_carriers = std::tuple<local, unix_stream, tcp, plain_pipe>;

std::vector<std::byte> bytes_of(std::string_view text);
/// `size` bytes that are not all alike.
std::vector<std::byte> some_bytes(std::size_t size);
/// `count` handles to one open pipe.
std::vector<unique_handle> some_handles(std::size_t count);
/// A message as `dumps` makes them, as far as carriers look.
message some_message(std::size_t size, std::size_t handle_count);

}  // namespace ferry::test
