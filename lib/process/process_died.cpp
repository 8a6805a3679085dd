// The exception of a child that was ended by a signal.
#include <ferry/error.hpp>

#include "os/process.hpp"

#include <string>
#include <utility>

namespace ferry {

process_died::process_died(std::string name, std::int64_t pid, int signal, bool core_dumped)
    : error("process " + name + " (" + std::to_string(pid) + ") was ended by signal " +
            std::to_string(signal) + " (" + os::text_of_signal(signal) + ")" +
            (core_dumped ? ", with a core dump" : "")),
      name_(std::move(name)),
      pid_(pid),
      signal_(signal),
      core_dumped_(core_dumped) {}

}  // namespace ferry
