// SPDX-License-Identifier: BSL-1.0
// The least that a forkserver does: it forks children that are told over a socket what there is to do, gives
// out handles to wait for them by, and reports how they ended. Knows no errors, and nobody survives the death
// of another.
#pragma once

#include "support/crew.hpp"
#include "support/socket_pair.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <span>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace bench {

class fork_server {
 public:
  /// Of this program, when it is started to be the server.
  static constexpr std::string_view argument = "--as-fork-server";

  fork_server() {
    auto [here, there] = socket_pair(SOCK_SEQPACKET);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, there, passed);
    std::string role(argument);
    std::array<char*, 3> arguments{program_invocation_name, role.data(), nullptr};
    if (::posix_spawn(&process_, "/proc/self/exe", &actions, nullptr, arguments.data(), environ) != 0)
      fail("posix_spawn");
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(there);
    requests_ = here;
  }
  ~fork_server() {
    ::close(requests_);
    ::waitpid(process_, nullptr, 0);
  }
  fork_server(const fork_server&) = delete;
  fork_server& operator=(const fork_server&) = delete;

  void start_and_join() {
    auto [report, report_there] = socket_pair(SOCK_SEQPACKET);
    auto [channel, channel_there] = socket_pair(SOCK_SEQPACKET);
    std::int64_t word = 0;
    const std::array<int, 2> given{report_there, channel_there};
    send(requests_, word, given);
    ::close(report_there);
    ::close(channel_there);
    std::array<int, 2> taken{};
    receive(report, word, taken);
    const std::array<char, bytes_of_work> work{};
    if (::send(channel, work.data(), work.size(), MSG_NOSIGNAL) < 0) fail("send");
    const int handle = taken[0];
    receive(report, word, taken);  // waits for the end
    for (const int each : {report, channel, handle}) ::close(each);
  }

  /// The server's whole life.
  [[noreturn]] static void serve() {
    struct child {
      int handle, report;
    };
    std::vector<child> children;
    std::vector<pollfd> awaited;
    for (;;) {
      awaited.assign(1, {passed, POLLIN, 0});
      for (const child& each : children) awaited.push_back({each.handle, POLLIN, 0});
      ::poll(awaited.data(), awaited.size(), -1);
      for (std::size_t i = children.size(); i-- > 0;) {
        if (awaited[i + 1].revents == 0) continue;
        siginfo_t ending{};
        ::waitid(P_PIDFD, static_cast<id_t>(children[i].handle), &ending, WEXITED);
        send(children[i].report, ending.si_status, {});
        ::close(children[i].handle);
        ::close(children[i].report);
        children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
      }
      if (awaited.front().revents == 0) continue;
      std::int64_t word = 0;
      std::array<int, 2> handles{};
      if (!receive(passed, word, handles)) ::_exit(0);
      const pid_t process = ::fork();
      if (process == 0) work(handles[1]);
      const std::array<int, 1> watch{static_cast<int>(::syscall(SYS_pidfd_open, process, 0))};
      send(handles[0], process, watch);
      ::close(handles[1]);
      children.push_back({watch[0], handles[0]});
    }
  }

 private:
  static constexpr int passed = 3;
  static constexpr std::size_t bytes_of_work = 224;  // as Ferry's for a function without arguments

  [[noreturn]] static void work(int channel) {
    ::dup2(channel, passed);
    ::close_range(passed + 1, ~0U, 0);
    std::array<char, bytes_of_work> what{};
    ::_exit(::recv(passed, what.data(), what.size(), 0) > 0 ? 0 : 1);
  }

  /// A message of one word, and the room for the handles on it.
  struct packet {
    explicit packet(std::int64_t& word) : bytes{&word, sizeof word} {
      header.msg_iov = &bytes;
      header.msg_iovlen = 1;
    }
    iovec bytes;
    alignas(cmsghdr) std::array<char, 64> room{};
    msghdr header{};
  };

  static void send(int socket, std::int64_t word, std::span<const int> handles) {
    packet sent(word);
    if (!handles.empty()) {
      sent.header.msg_control = sent.room.data();
      sent.header.msg_controllen = CMSG_SPACE(handles.size_bytes());
      cmsghdr* const rights = CMSG_FIRSTHDR(&sent.header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(handles.size_bytes());
      std::memcpy(CMSG_DATA(rights), handles.data(), handles.size_bytes());
    }
    if (::sendmsg(socket, &sent.header, MSG_NOSIGNAL) < 0) fail("sendmsg");
  }

  /// @returns false at the end of the stream
  static bool receive(int socket, std::int64_t& word, std::array<int, 2>& handles) {
    packet got(word);
    got.header.msg_control = got.room.data();
    got.header.msg_controllen = got.room.size();
    const ssize_t size = ::recvmsg(socket, &got.header, MSG_CMSG_CLOEXEC);
    if (size < 0) fail("recvmsg");
    if (const cmsghdr* const rights = CMSG_FIRSTHDR(&got.header); rights != nullptr)
      std::memcpy(handles.data(), CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
    return size > 0;
  }

  pid_t process_ = 0;
  int requests_ = -1;
};

}  // namespace bench
