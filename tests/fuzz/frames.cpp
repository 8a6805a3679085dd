// SPDX-License-Identifier: BSL-1.0
// What a peer may put on the wire: frames into a stream socket, a plain pipe, and packets with and without a
// handle into a local socket. The other end is a connection that receives until the stream ends.
//
// The first byte of the input chooses the channel and how it is received; of packets each begins with its
// length. The outcome is messages and ferry::error; anything else is a finding.
#include <ferry/connection.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <span>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

using namespace ferry;
using bytes = std::span<const std::uint8_t>;

/// Two ends; what does not fit into the buffers of the system is left out.
struct ends {
  unique_handle writer, reader;
};
ends make_sockets(int type) {
  int pair[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) std::abort();
  return {unique_handle(pair[0]), unique_handle(pair[1])};
}
ends make_pipe() {
  int pair[2];
  if (::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) std::abort();
  return {unique_handle(pair[1]), unique_handle(pair[0])};
}

/// A packet, with a handle to some memory if its length is odd.
void send_packet(const unique_handle& to, bytes packet) {
  iovec part{const_cast<std::uint8_t*>(packet.data()), packet.size()};
  msghdr head{};
  head.msg_iov = &part;
  head.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  unique_handle memory;
  if (packet.size() % 2 == 1) {
    memory = unique_handle(::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (::write(memory.native(), packet.data(), packet.size()) < 0 || ::ftruncate(memory.native(), 8192) != 0)
      std::abort();
    head.msg_control = control.data();
    head.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&head);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = memory.native();
    std::memcpy(CMSG_DATA(rights), &number, sizeof number);
  }
  static_cast<void>(::sendmsg(to.native(), &head, MSG_NOSIGNAL));
}

void fill(const ends& channel, bytes input, bool packets) {
  if (!packets) {
    static_cast<void>(::write(channel.writer.native(), input.data(), input.size()));
    return;
  }
  while (input.size() > 1) {
    const std::size_t size = std::min<std::size_t>(input[0], input.size() - 1);
    if (size != 0) send_packet(channel.writer, input.subspan(1, size));
    input = input.subspan(1 + size);
  }
}

/// Receives everything in one way or another. @returns when the stream ends, or is of no use any more
void drain(connection& from, unsigned how) {
  std::array<std::byte, 16> small{};
  for (int messages = 0; messages != 1000; ++messages) {
    try {
      switch (how % 5) {
        case 0:
          from.recv_message();
          break;
        case 1:
          from.recv_bytes();
          break;
        case 2:
          from.recv_bytes(64);
          break;
        case 3:
          from.recv_bytes_into(small);
          break;
        default:
          from.recv<std::vector<std::string>>();
      }
    } catch (const end_of_stream&) {
      return;
    } catch (const truncated_message&) {
      return;
    } catch (const system_error&) {
      return;
    } catch (const error&) {
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned mode = data[0];
  const bool packets = mode % 3 == 2;
  ends channel = mode % 3 == 0 ? make_sockets(SOCK_STREAM)
                 : packets     ? make_sockets(SOCK_SEQPACKET)
                               : make_pipe();
  fill(channel, bytes(data + 1, size - 1), packets);
  channel.writer.reset();
  connection from(std::move(channel.reader), access::read_only);
  from.options().limit.bytes = std::size_t{1} << 20U;
  drain(from, mode / 3);
  return 0;
}
