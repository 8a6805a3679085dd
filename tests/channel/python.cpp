// SPDX-License-Identifier: BSL-1.0
// Python programs as peers: multiprocessing.connection of the installed python3, and the handshake of newer
// ones.
#include <ferry/listener.hpp>
#include <ferry/send_handle.hpp>

#include "channel/carriers.hpp"
#include "os/socket.hpp"
#include "support/child.hpp"
#include "support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace ferry::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

/// A Python program that runs beside the test. `arguments` are sys.argv[1:]; `shared` stays open under its
/// number.
class python {
 public:
  explicit python(std::string program, std::vector<std::string> arguments,
                  ferry::handle_view shared = ferry::handle_view())
      : child_([program = std::move(program), arguments = std::move(arguments), shared] {
          if (shared.valid()) ::fcntl(shared.native(), F_SETFD, 0);
          std::vector<char*> argv;
          std::string name = "python3", option = "-c", text = program;
          for (std::string* each : {&name, &option, &text}) argv.push_back(each->data());
          auto copies = arguments;
          for (std::string& each : copies) argv.push_back(each.data());
          argv.push_back(nullptr);
          ::execvp("python3", argv.data());
          return 127;
        }) {}
  int wait() { return child_.wait(); }

 private:
  forked_child child_;
};

const std::vector<std::size_t> sizes{0, 1, 3, 16383, 16384, 16385, 1 << 20, 64 << 20};

/// Python's form of an address, as an expression.
std::string python_address(const ferry::address& where) {
  switch (where.kind()) {
    case ferry::address::family::path:
      return "'" + where.name() + "'";
    case ferry::address::family::abstract:
      return "'\\0" + where.name() + "'";
    case ferry::address::family::tcp:
      break;
  }
  return "('" + where.name() + "', " + std::to_string(where.port()) + ")";
}

constexpr const char* echo_client = R"(
import sys
from multiprocessing.connection import Client
key = sys.argv[2].encode() if len(sys.argv) > 2 else None
with Client(eval(sys.argv[1]), authkey=key) as link:
    try:
        while True:
            link.send_bytes(link.recv_bytes())
    except EOFError:
        pass
)";

constexpr const char* echo_listener = R"(
import os, sys
from multiprocessing.connection import Listener, AuthenticationError
key = sys.argv[3].encode() if len(sys.argv) > 3 else None
with Listener(eval(sys.argv[1]), authkey=key) as door:
    os.write(int(sys.argv[2]), b'%d\n' % (door.address[1] if isinstance(door.address, tuple) else 0))
    os.close(int(sys.argv[2]))
    while True:
        try:
            link = door.accept()
        except AuthenticationError:
            print('refused', file=sys.stderr)
            continue
        break
    try:
        while True:
            link.send_bytes(link.recv_bytes())
    except EOFError:
        pass
)";

void check_echo(ferry::connection& link) {
  for (const std::size_t size : sizes) {
    const auto sent = some_bytes(size);
    link.send_bytes(sent);
    BOOST_CHECK(link.recv_bytes() == sent);
  }
}

std::vector<ferry::address> addresses(const temporary_folder& folder) {
  return {ferry::address::path((folder.path / "door").string()),
          ferry::address::abstract("ferry-python-" + folder.path.filename().string()),
          ferry::address::tcp("127.0.0.1", 0)};
}

/// A listener in Python, once it listens.
struct python_listener {
  python_listener(const ferry::address& where, std::optional<std::string> key)
      : python_listener(ferry::os::plain_pipe(), where, std::move(key)) {}
  python_listener(ferry::os::handle_pair ready, const ferry::address& where, std::optional<std::string> key)
      : program(echo_listener, arguments(ready.second, where, std::move(key)), ready.second), address(where) {
    ready.second.reset();
    std::string text(100, '\0');
    const ssize_t got = ::read(ready.first.native(), text.data(), text.size());
    BOOST_REQUIRE(got > 0);
    if (where.kind() == ferry::address::family::tcp) {
      address = ferry::address::tcp(where.name(), static_cast<std::uint16_t>(std::stoi(text)));
    }
  }
  static std::vector<std::string> arguments(ferry::handle_view ready, const ferry::address& where,
                                            std::optional<std::string> key) {
    std::vector<std::string> result{python_address(where), std::to_string(ready.native())};
    if (key) result.push_back(*key);
    return result;
  }

  python program;
  ferry::address address;
};

// The handshake of Python 3.12 and later, written from its description, for the installed one may be older.
constexpr const char* new_handshake = R"(
import hashlib, hmac, os, socket, struct, sys
role, address, key = sys.argv[1], eval(sys.argv[2]), sys.argv[3].encode()
def send(data): link.sendall(struct.pack('!i', len(data)) + data)
def exactly(count):
    data = b''
    while len(data) < count:
        more = link.recv(count - len(data))
        if not more: raise EOFError
        data += more
    return data
def receive(): return exactly(struct.unpack('!i', exactly(4))[0])
def give():
    challenge = b'{sha256}' + os.urandom(40)
    send(b'#CHALLENGE#' + challenge)
    reply = receive()
    assert reply.startswith(b'{sha256}') and len(reply) == 40, reply
    good = hmac.compare_digest(reply[8:], hmac.new(key, challenge, 'sha256').digest())
    send(b'#WELCOME#' if good else b'#FAILURE#')
    if not good: sys.exit(3)
def answer():
    challenge = receive()
    assert challenge.startswith(b'#CHALLENGE#{sha256}') and len(challenge) == 59, challenge
    challenge = challenge[11:]
    send(b'{sha256}' + hmac.new(key, challenge, 'sha256').digest())
    if receive() != b'#WELCOME#': sys.exit(3)
family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
link = socket.socket(family, socket.SOCK_STREAM)
if role == 'client':
    link.connect(address)
    answer(); give()
else:
    door = link
    door.bind(address); door.listen(1)
    os.write(int(sys.argv[4]), b'1')
    link = door.accept()[0]
    give(); answer()
send(receive())
)";

}  // namespace

BOOST_AUTO_TEST_SUITE(python_peers)

BOOST_AUTO_TEST_CASE(a_python_client_is_served_at_every_family) {
  temporary_folder folder;
  for (const auto& where : addresses(folder)) {
    BOOST_TEST_CONTEXT(where.text()) {
      ferry::listener door(where);
      python client(echo_client, {python_address(door.where())});
      ferry::connection link = door.accept();
      check_echo(link);
      link.close();
      BOOST_TEST(client.wait() == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_python_listener_is_reached_at_every_family) {
  temporary_folder folder;
  for (const auto& where : addresses(folder)) {
    BOOST_TEST_CONTEXT(where.text()) {
      python_listener listener(where, std::nullopt);
      ferry::connection link = ferry::connect(listener.address);
      check_echo(link);
      link.close();
      BOOST_TEST(listener.program.wait() == 0);
    }
  }
}

// The installed Python may be one that knows only MD5; it is allowed here.
BOOST_AUTO_TEST_CASE(a_python_client_proves_its_key) {
  temporary_folder folder;
  int refusals = 0;
  ferry::listener door(
      ferry::address::path((folder.path / "door").string()),
      {.authkey = "secret", .allow_md5 = true, .on_refused = [&](const std::exception&) { ++refusals; }});
  const std::string where = python_address(door.where());
  python wrong(echo_client, {where, "other"});
  while (refusals == 0) BOOST_REQUIRE(!door.accept_for(10ms));
  BOOST_TEST(wrong.wait() == 1);
  python right(echo_client, {where, "secret"});
  ferry::connection link = door.accept();
  link.send_bytes(bytes_of("hello"));
  BOOST_CHECK(link.recv_bytes() == bytes_of("hello"));
  link.close();
  BOOST_TEST(right.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_python_listener_is_proved_the_key) {
  temporary_folder folder;
  python_listener listener(ferry::address::path((folder.path / "door").string()), "secret");
  BOOST_CHECK_THROW(ferry::connect(listener.address, {.authkey = "other", .allow_md5 = true}),
                    ferry::authentication_error);
  ferry::connection link = ferry::connect(listener.address, {.authkey = "secret", .allow_md5 = true});
  link.send_bytes(bytes_of("hello"));
  BOOST_CHECK(link.recv_bytes() == bytes_of("hello"));
  link.close();
  BOOST_TEST(listener.program.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_client_with_the_newer_handshake_proves_its_key) {
  temporary_folder folder;
  int refusals = 0;
  ferry::listener door(ferry::address::path((folder.path / "door").string()),
                       {.authkey = "secret", .on_refused = [&](const std::exception&) { ++refusals; }});
  python wrong(new_handshake, {"client", python_address(door.where()), "other"});
  while (refusals == 0) BOOST_REQUIRE(!door.accept_for(10ms));
  BOOST_TEST(wrong.wait() == 3);
  python right(new_handshake, {"client", python_address(door.where()), "secret"});
  ferry::connection link = door.accept();
  link.send_bytes(bytes_of("hello"));
  BOOST_CHECK(link.recv_bytes() == bytes_of("hello"));
  BOOST_TEST(right.wait() == 0);
}

BOOST_AUTO_TEST_CASE(a_listener_with_the_newer_handshake_is_proved_the_key) {
  for (const char* key : {"other", "secret"}) {
    temporary_folder folder;
    const auto where = ferry::address::path((folder.path / "door").string());
    auto [ready, tell] = ferry::os::plain_pipe();
    python listener(new_handshake,
                    {"listener", python_address(where), "secret", std::to_string(tell.native())}, tell);
    tell.reset();
    char ignored = 0;
    BOOST_REQUIRE(::read(ready.native(), &ignored, 1) == 1);
    if (key == "other"s) {
      BOOST_CHECK_THROW(ferry::connect(where, {.authkey = key}), ferry::authentication_error);
      BOOST_TEST(listener.wait() == 3);
    } else {
      ferry::connection link = ferry::connect(where, {.authkey = key});
      link.send_bytes(bytes_of("hello"));
      BOOST_CHECK(link.recv_bytes() == bytes_of("hello"));
      BOOST_TEST(listener.wait() == 0);
    }
  }
}

// conformance: _TestConnection.test_missing_fd_transfer
BOOST_AUTO_TEST_CASE(a_byte_without_a_handle_is_refused) {
  auto [sender, receiver] = unix_stream::make();
  BOOST_REQUIRE(::write(sender.native_handle(), "\1", 1) == 1);
  BOOST_CHECK_THROW(static_cast<void>(ferry::recv_handle(receiver)), ferry::transfer_error);
  auto [first, second] = ferry::pipe();
  BOOST_CHECK_THROW(ferry::send_handle(first, some_handles(1).front()), ferry::transfer_error);
  BOOST_CHECK_THROW(static_cast<void>(ferry::recv_handle(second)), ferry::transfer_error);
  sender.close();
  BOOST_CHECK_THROW(static_cast<void>(ferry::recv_handle(receiver)), ferry::end_of_stream);
}

// conformance: _TestConnection.test_fd_transfer
// conformance: _TestConnection.test_large_fd_transfer
BOOST_AUTO_TEST_CASE(handles_go_to_python_and_come_back) {
  constexpr const char* program = R"(
import os, sys
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
link = Connection(int(sys.argv[1]))
fd = recv_handle(link)
os.write(fd, b'from python')
os.close(fd)
reading, writing = os.pipe()
os.dup2(writing, 300)
os.close(writing)
send_handle(link, 300, None)
os.close(300)
link.send_bytes(os.read(reading, 100))
)";
  auto [here, there] = ferry::os::stream_socket_pair();
  ferry::connection link(std::move(here));
  python peer(program, {std::to_string(there.native())}, there);
  there.reset();
  auto [reading, writing] = ferry::os::plain_pipe();
  ferry::send_handle(link, writing);
  writing.reset();
  std::string text(100, '\0');
  const ssize_t got = ::read(reading.native(), text.data(), text.size());
  BOOST_REQUIRE(got > 0);
  BOOST_TEST(text.substr(0, static_cast<std::size_t>(got)) == "from python");
  ferry::unique_handle theirs = ferry::recv_handle(link);
  BOOST_REQUIRE(::write(theirs.native(), "done", 4) == 4);
  theirs.reset();
  BOOST_CHECK(link.recv_bytes() == bytes_of("done"));
  BOOST_TEST(peer.wait() == 0);
}

BOOST_AUTO_TEST_CASE(receipts_are_given_as_newer_pythons_expect) {
  auto [sender, receiver] = unix_stream::make();
  std::thread sending(
      [&end = sender] { ferry::send_handle(end, some_handles(1).front(), ferry::handle_receipt::expected); });
  BOOST_CHECK(ferry::recv_handle(receiver, ferry::handle_receipt::expected).valid());
  sending.join();
}

BOOST_AUTO_TEST_CASE(a_receipt_that_nobody_asked_for_is_no_part_of_what_comes_next) {
  for (const bool gives_receipts : {false, true}) {
    auto [stream, python] = ferry::os::stream_socket_pair();
    ferry::connection link(std::move(stream));
    const auto say = [&end = python](std::string_view bytes) {
      BOOST_REQUIRE(::write(end.native(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    };
    ferry::send_handle(link, some_handles(1).front());
    ferry::send_handle(link, some_handles(1).front());
    if (gives_receipts) {
      say("A");
      BOOST_CHECK(!link.try_recv_bytes());
      say("A");
    }
    say("\0\0\0\1x"s);
    BOOST_CHECK(link.recv_bytes() == bytes_of("x"));
    say("\0\0\0\1A"s);
    BOOST_CHECK(link.recv_bytes() == bytes_of("A"));

    // A handle comes back, from one that waits for a receipt if it gives some.
    ferry::send_handle(link, some_handles(1).front());
    if (gives_receipts) say("A");
    {
      ferry::connection other(ferry::duplicate(python));
      ferry::send_handle(other, some_handles(1).front(), ferry::handle_receipt::none);
    }
    BOOST_CHECK(ferry::recv_handle(link).valid());
    link.send_bytes(bytes_of("y"));
    std::string got(16, '\0');
    for (int i = 0; i < 3; ++i)
      BOOST_REQUIRE(::recv(python.native(), got.data(), 1, 0) == 1);  // with the handles
    const ssize_t more = ::recv(python.native(), got.data(), got.size(), MSG_DONTWAIT);
    BOOST_REQUIRE(more > 0);
    BOOST_TEST(got.substr(0, static_cast<std::size_t>(more)) == (gives_receipts ? "A"s : ""s) + "\0\0\0\1y"s);
  }
}

BOOST_AUTO_TEST_SUITE_END()
