// Other processes by pidfd and /proc.
#include "os/other_process.hpp"

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/proc_stat.hpp"
#include "os/linux/system_calls.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <system_error>

namespace ferry::os {
namespace {

// What a file of /proc holds.
std::optional<std::string> read_facts(const std::string& path) {
  const int opened = calls().open(path.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (opened < 0) {
    if (errno == EMFILE || errno == ENFILE) throw_system_error("open " + path);
    return std::nullopt;
  }
  const unique_handle file(opened);
  std::string text;
  std::array<char, 1024> block;
  for (;;) {
    const ssize_t got = calls().read(file.native(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;  // ESRCH: the process ended after the file was opened
    if (got == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(got));
  }
}

std::string refusal_text(int refusal) {
  if (refusal == ESRCH) return "the process has ended";
  std::string text = std::error_code(refusal, std::system_category()).message();
  if (refusal != EPERM) return text;
  const int scope = std::atoi(read_facts("/proc/sys/kernel/yama/ptrace_scope").value_or("0").c_str());
  if (scope == 0) return text + ": it belongs to another user, or made itself undumpable";
  return text + ": Yama's kernel.yama.ptrace_scope is " + std::to_string(scope) +
         ", by which only an ancestor may; the process can allow it to the taker with prctl(PR_SET_PTRACER, "
         "id)";
}

}  // namespace

std::optional<unique_handle> open_process(std::int64_t id) {
  if (id <= 0 || id > std::numeric_limits<pid_t>::max()) return std::nullopt;
  const int opened = above_streams(calls().pidfd_open(static_cast<pid_t>(id), 0));
  if (opened >= 0) return unique_handle(opened);
  if (errno == ESRCH || errno == EINVAL) return std::nullopt;  // EINVAL: the id of a thread
  throw_system_error("open process " + std::to_string(id));
}

std::optional<std::uint64_t> start_time_of(std::int64_t id) {
  const auto facts = parse_stat(read_facts("/proc/" + std::to_string(id) + "/stat").value_or(""));
  if (!facts) return std::nullopt;
  return facts->start_time;
}

std::optional<std::int64_t> process_behind(handle_view handle) {
  std::istringstream info(read_facts("/proc/self/fdinfo/" + std::to_string(handle.native())).value_or(""));
  for (std::string key; info >> key;) {
    std::int64_t id = 0;
    if (key == "Pid:" && info >> id) return id;
  }
  return std::nullopt;
}

taken_handle take_handle_of(handle_view process, std::int32_t number) {
  const int taken = above_streams(calls().pidfd_getfd(process.native(), number, 0));
  if (taken >= 0) return {unique_handle(taken), {}};
  if (errno == EMFILE || errno == ENFILE) throw_system_error("take a handle of another process");
  return {{}, errno == EBADF ? std::string() : refusal_text(errno)};
}

}  // namespace ferry::os
