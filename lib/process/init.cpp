// SPDX-License-Identifier: BSL-1.0
// The way of a started program from its main function to its life as a child or forkserver.
#include <ferry/error.hpp>
#include <ferry/init.hpp>

#include "os/process.hpp"
#include "os/socket.hpp"
#include "process/child_main.hpp"
#include "process/command_line.hpp"
#include "process/identity.hpp"
#include "process/zygote.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace ferry {

namespace {

/// A started program has a packet socket in the first place. Who types the arguments has not.
void require_parent(handle_view channel, std::string_view role) noexcept {
  try {
    if (os::classify(channel) == os::endpoint::packet_socket) return;
  } catch (const error&) {  // it is not open
  }
  std::fprintf(stderr, "%.*s is for processes that Ferry starts; it cannot be given by hand\n",
               static_cast<int>(role.size()), role.data());
  std::exit(EXIT_FAILURE);
}

}  // namespace

void init(int argc, char** argv) {
  detail::note_initialised();
  os::note_command_line(argc);
  if (argc < 2) return;
  const std::string_view role = argv[1];
  if (role != detail::forkserver_argument && role != detail::child_argument) return;
  os::take_program_name();
  unique_handle channel = os::passed_handle(0);
  require_parent(channel, role);
  if (role == detail::forkserver_argument) {
    detail::serve_forks(std::move(channel));
    std::exit(EXIT_SUCCESS);
  }
  bool announce = false, daemon = false;
  for (int i = 2; i < argc; ++i) {
    announce |= argv[i] == detail::announce_argument;
    daemon |= argv[i] == detail::daemon_argument;
  }
  detail::live_as_child(std::move(channel), daemon ? os::passed_handle(1) : unique_handle(), nullptr,
                        announce);
}

}  // namespace ferry
