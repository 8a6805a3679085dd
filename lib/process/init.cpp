// From the main function of a started program to its life as a child or forkserver.
#include <ferry/init.hpp>

#include "os/process.hpp"
#include "process/child_main.hpp"
#include "process/command_line.hpp"
#include "process/identity.hpp"
#include "process/zygote.hpp"

#include <cstdlib>
#include <string_view>

namespace ferry {

void init(int argc, char** argv) {
  detail::note_initialised();
  if (argc < 2) return;
  const std::string_view role = argv[1];
  if (role != detail::forkserver_argument && role != detail::child_argument) return;
  os::take_program_name();
  if (role == detail::forkserver_argument) {
    detail::serve_forks(os::passed_handle(0));
    std::exit(EXIT_SUCCESS);
  }
  bool announce = false, daemon = false;
  for (int i = 2; i < argc; ++i) {
    announce |= argv[i] == detail::announce_argument;
    daemon |= argv[i] == detail::daemon_argument;
  }
  detail::live_as_child(os::passed_handle(0), daemon ? os::passed_handle(1) : unique_handle(), nullptr,
                        announce);
}

}  // namespace ferry
