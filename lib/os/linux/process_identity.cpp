// Processes as /proc tells of them.
#include "os/process_identity.hpp"

#include <ferry/handle.hpp>

#include "os/linux/proc_stat.hpp"
#include "os/linux/system_calls.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <pthread.h>

namespace ferry::os {
namespace {

// No allocation and no exception: it is asked under locks. Nothing if the file cannot be read, which `gone`
// then explains.
std::optional<process_facts> read_facts(std::int64_t id, bool& gone) noexcept {
  std::array<char, 32> path;
  std::snprintf(path.data(), path.size(), "/proc/%lld/stat", static_cast<long long>(id));
  gone = false;
  const int opened = calls().open(path.data(), O_RDONLY | O_CLOEXEC, 0);
  if (opened < 0) {
    gone = errno == ENOENT;
    return std::nullopt;
  }
  const unique_handle file(opened);
  std::array<char, 1024> block;
  ssize_t got = 0;
  do got = calls().read(file.native(), block.data(), block.size());
  while (got < 0 && errno == EINTR);
  if (got <= 0) {
    gone = got < 0 && errno == ESRCH;
    return std::nullopt;
  }
  return parse_stat({block.data(), static_cast<std::size_t>(got)});
}

process_identity identity_of(std::int64_t id, std::uint64_t start_time) noexcept {
  return start_time << 32U | static_cast<std::uint32_t>(id);
}

std::atomic<process_identity> cached{0};

}  // namespace

process_identity own_identity() noexcept {
  if (const process_identity known = cached.load(std::memory_order_relaxed); known != 0) return known;
  static const int forgotten_in_copies =
      ::pthread_atfork(nullptr, nullptr, [] { cached.store(0, std::memory_order_relaxed); });
  static_cast<void>(forgotten_in_copies);
  bool gone = false;
  const std::optional<process_facts> own = read_facts(::getpid(), gone);
  const process_identity found = identity_of(::getpid(), own ? own->start_time : 0);
  // Without a descriptor to ask with it is asked again next time.
  if (own) cached.store(found, std::memory_order_relaxed);
  return found;
}

bool has_ended(process_identity which) noexcept {
  bool gone = false;
  const std::optional<process_facts> now = read_facts(id_of(which), gone);
  if (!now) return gone;
  // Whose start could not be found out is known by its id alone.
  if (which >> 32U != 0 && identity_of(id_of(which), now->start_time) != which) return true;
  // Ended and not waited for. While other threads go on after the first one has ended, it looks the same.
  return (now->state == 'Z' || now->state == 'X') && now->threads <= 1;
}

}  // namespace ferry::os
