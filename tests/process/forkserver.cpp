// The forkserver: what it survives, and what is left when it does not.
#include <ferry/error.hpp>

#include "os/socket.hpp"
#include "os/wait.hpp"
#include "process/support.hpp"
#include "process/zygote.hpp"

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

using namespace ferry;
using namespace ferry::test;

namespace {

void tell_server(connection line) {
  tell(line, static_cast<std::int64_t>(::getppid()));
  wait_for_end(std::move(line));
}
void exit_with(int code) {
  std::exit(code);
}
void interrupt_self() {
  ::raise(SIGINT);
}

std::string unix_sockets() {
  std::ifstream list("/proc/net/unix");
  return {std::istreambuf_iterator<char>(list), {}};
}

/// A forkserver of this test's own, to speak to as no client would.
class raw_server {
 public:
  raw_server() {
    os::handle_pair ends = os::packet_socket_pair();
    requests_ = std::move(ends.first);
    const std::array<handle_view, 1> passed{ends.second};
    process_ = os::start_program({{}, {"--ferry-forkserver"}}, passed);
  }
  ~raw_server() {
    requests_.reset();
    BOOST_CHECK(os::wait_readable(process_.handle, deadline::after(patience)));
    const auto ending = os::reap(process_.handle);
    BOOST_TEST((ending && ending->how == os::ending::kind::exited && ending->code == 0));
  }
  raw_server(const raw_server&) = delete;
  raw_server& operator=(const raw_server&) = delete;

  void send(std::span<const std::byte> bytes, std::span<const handle_view> handles = {}) {
    const std::array<std::span<const std::byte>, 1> parts{bytes};
    os::send_packet(requests_, parts, handles, deadline::never());
  }
  /// Whether it still does what it is for.
  bool serves() {
    auto [report, report_there] = os::packet_socket_pair();
    auto [channel, channel_there] = os::packet_socket_pair();
    const detail::fork_request request;
    const std::array<handle_view, 2> handles{report_there, channel_there};
    send(std::as_bytes(std::span(&request, 1)), handles);
    report_there.reset();
    channel_there.reset();
    channel.reset();  // so that the child gives up at once
    detail::fork_reply reply{.error = -2};
    os::ending ending;
    std::vector<unique_handle> process;
    const std::array<std::span<std::byte>, 1> parts{std::as_writable_bytes(std::span(&reply, 1))};
    const std::array<std::span<std::byte>, 1> last{std::as_writable_bytes(std::span(&ending, 1))};
    os::receive_packet(report, parts, process, deadline::after(patience));
    os::receive_packet(report, last, process, deadline::after(patience));
    return reply.error == 0 && process.size() == 1 && ending.how == os::ending::kind::exited &&
           ending.code == 0;
  }

 private:
  os::started_process process_;
  unique_handle requests_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(forkserver, no_forkserver_left)

BOOST_AUTO_TEST_CASE(garbage_is_ignored) {
  raw_server server;
  const std::vector<std::byte> bytes(100'000, std::byte{0xa5});
  const unique_handle null = os::packet_socket_pair().first;
  const std::vector<handle_view> many(200, null.view());
  server.send({});
  server.send({}, std::span(many).first(1));
  server.send(std::span(bytes).first(1));
  server.send(std::span(bytes).first(sizeof(detail::fork_request)), std::span(many).first(2));
  server.send(bytes, many);
  const detail::fork_request request;
  server.send(std::as_bytes(std::span(&request, 1)));
  server.send(std::as_bytes(std::span(&request, 1)), std::span(many).first(1));
  server.send(std::as_bytes(std::span(&request, 1)), std::span(many).first(3));
  BOOST_TEST(server.serves());
}

BOOST_AUTO_TEST_CASE(clients_that_do_not_wait_for_an_answer_harm_nobody) {
  raw_server server;
  const detail::fork_request request;
  for (int i = 0; i < 20; ++i) {
    const os::handle_pair report = os::packet_socket_pair(), channel = os::packet_socket_pair();
    const std::array<handle_view, 2> handles{report.second, channel.second};
    server.send(std::as_bytes(std::span(&request, 1)), handles);
  }
  BOOST_TEST(server.serves());
}

// conformance: _TestProcess.test_forkserver_sigint
BOOST_AUTO_TEST_CASE(the_server_ignores_interrupts_and_its_children_do_not) {
  auto [here, there] = pipe();
  process first(by(start_method::forkserver), fn<&tell_server>, there);
  const auto server = static_cast<pid_t>(hear<std::int64_t>(here));
  ::kill(server, SIGINT);
  process second(by(start_method::forkserver), fn<&tell_server>, std::move(there));
  BOOST_TEST(hear<std::int64_t>(here) == server);
  process third(by(start_method::forkserver), fn<&interrupt_self>);
  third.join();
  BOOST_TEST(third.exit_code().value() == -SIGINT);
  here.close();
  first.join();
  BOOST_TEST(first.exit_code().value() == 0);
}

// conformance: _TestProcess.test_forkserver_sigkill
BOOST_AUTO_TEST_CASE(a_killed_server_is_replaced_and_its_children_go_on) {
  auto [here, there] = pipe();
  process first(by(start_method::forkserver), fn<&tell_server>, there);
  const auto server = static_cast<pid_t>(hear<std::int64_t>(here));
  ::kill(server, SIGKILL);
  process second(by(start_method::forkserver), fn<&tell_server>, std::move(there));
  BOOST_TEST(hear<std::int64_t>(here) != server);
  BOOST_TEST(first.is_alive());
  here.close();
  first.join();
  second.join();
  BOOST_TEST(first.exit_code().value() == 255);
  BOOST_TEST(second.exit_code().value() == 0);
}

// Nothing that the server does may be cut short so that a client waits for ever.
BOOST_AUTO_TEST_CASE(a_server_killed_at_any_moment_holds_up_nobody) {
  for (int i = 0; i < 60; ++i) {
    auto [here, there] = pipe();
    process first(by(start_method::forkserver), fn<&tell_server>, std::move(there));
    const auto server = static_cast<pid_t>(hear<std::int64_t>(here));
    here.close();
    const forked_child killer([server, i] {
      ::usleep(static_cast<useconds_t>(i * 20));
      ::kill(server, SIGKILL);
      return 0;
    });
    for (int n = 0; n < 3; ++n) {
      process child(by(start_method::forkserver), fn<&exit_with>, 9);
      BOOST_REQUIRE(child.join_for(patience));
      const int code = child.exit_code().value();
      BOOST_TEST((code == 9 || code == 255));
    }
  }
}

// known failure 21: any process of the user can reach the forkserver's socket
BOOST_AUTO_TEST_CASE(the_server_has_no_socket_that_a_stranger_could_find) {
  auto [here, there] = pipe();
  const process child(by(start_method::forkserver), fn<&tell_server>, std::move(there));
  const auto server = std::to_string(hear<std::int64_t>(here));
  const std::string all = unix_sockets();
  int sockets = 0;
  for (const auto& each : std::filesystem::directory_iterator("/proc/" + server + "/fd")) {
    std::error_code closed_meanwhile;
    const std::string target = std::filesystem::read_symlink(each.path(), closed_meanwhile);
    if (!target.starts_with("socket:[")) continue;
    ++sockets;
    // proc_pid_net(5): "slot: references protocol flags type state inode path"; a path ends the line, and
    // flags are of those that listen.
    const std::string inode = target.substr(8, target.size() - 9);
    const std::regex nameless(": [0-9A-F]+ [0-9A-F]+ 00000000 [0-9A-F]+ [0-9A-F]+ +" + inode + "\n");
    BOOST_TEST(std::regex_search(all, nameless), inode << " of these has a name or listens:\n" << all);
  }
  BOOST_TEST(sockets > 0);
  here.close();
}

BOOST_AUTO_TEST_CASE(the_server_goes_when_its_client_is_killed) {
  auto [here, there] = pipe();
  process client(
      [](connection line) {
        process child(by(start_method::forkserver), fn<&tell_server>, line);
        wait_for_end(std::move(line));
      },
      std::move(there));
  const process_handle server = process_handle::open(hear<std::int64_t>(here));
  client.kill();
  BOOST_TEST(server.wait_for(patience));
  here.close();
}

BOOST_AUTO_TEST_SUITE_END()
