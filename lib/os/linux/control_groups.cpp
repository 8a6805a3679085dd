// SPDX-License-Identifier: BSL-1.0
// Control groups of both versions (linux/Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst).
#include "os/linux/control_groups.hpp"

#include "os/linux/small_file.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>
#include <string_view>
#include <vector>

namespace ferry::os {
namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::int64_t>::max();

/// A group and those above it that can be seen, from the process's own on.
struct hierarchy {
  std::vector<std::string> folders;
  bool is_unified = false;  // version 2
};

bool has_word(std::string_view list, std::string_view word) {
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(',', at), list.size());
    if (list.substr(at, end - at) == word) return true;
    at = end + 1;
  }
  return false;
}

/// The group of this process, as /proc/self/cgroup has it.
std::optional<std::string> own_group(const std::string& groups, std::string_view controller) {
  std::istringstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    // number:controllers:path; of version 2 it is 0::path
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string_view controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (controller.empty() ? line.rfind("0::", 0) == 0 : has_word(controllers, controller))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

struct mount_point {
  std::string root, folder;  // `root` is the group that is seen at `folder`
};

/// Where the groups are mounted, as /proc/self/mountinfo has it.
std::optional<mount_point> find_mount(const std::string& mounts, std::string_view controller) {
  std::istringstream lines(mounts);
  std::optional<mount_point> found;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t rest = line.find(" - ");
    if (rest == std::string::npos) continue;
    std::istringstream before(line.substr(0, rest)), behind(line.substr(rest + 3));
    std::string skipped, root, folder, type, source, options;
    before >> skipped >> skipped >> skipped >> root >> folder;
    behind >> type >> source >> options;
    const bool is_it =
        controller.empty() ? type == "cgroup2" : type == "cgroup" && has_word(options, controller);
    if (is_it) found = mount_point{root, folder};  // the last one lies on top
  }
  return found;
}

std::vector<std::string> folders_of(const mount_point& mounted, std::string group) {
  // In a container the path may be the one outside, of which only what is below the mounted group is seen
  // here; and a group outside what this process may see begins with "/..".
  if (mounted.root != "/" && group.rfind(mounted.root, 0) == 0) group.erase(0, mounted.root.size());
  if (group.rfind("/..", 0) == 0) group.clear();
  std::vector<std::string> found;
  while (!group.empty() && group != "/") {
    found.push_back(mounted.folder + group);
    group.erase(group.rfind('/'));
  }
  found.push_back(mounted.folder);
  return found;
}

/// The ways from the groups of this process to the root: of the controller's own hierarchy, of the unified
/// one.
std::vector<hierarchy> hierarchies_of(const std::string& controller) {
  const std::optional<std::string> groups = read_small_file("/proc/self/cgroup"),
                                   mounts = read_small_file("/proc/self/mountinfo");
  std::vector<hierarchy> found;
  for (const bool unified : {false, true}) {
    const std::string which = unified ? std::string() : controller;
    std::optional<std::string> group = groups ? own_group(*groups, which) : std::nullopt;
    std::optional<mount_point> mounted = mounts ? find_mount(*mounts, which) : std::nullopt;
    // Without /proc, what a container sees of its own.
    if (!groups) group = "/";
    if (!mounts) mounted = mount_point{"/", unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controller};
    if (group && mounted) found.push_back({folders_of(*mounted, *group), unified});
  }
  return found;
}

/// The number in a file; `unlimited` for the word "max"; nothing if there is no such file.
std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::optional<std::string> text = read_small_file(path);
  if (!text) return std::nullopt;
  if (text->rfind("max", 0) == 0) return unlimited;
  std::int64_t value = 0;
  if (std::from_chars(text->data(), text->data() + text->size(), value).ec != std::errc())
    return std::nullopt;
  return value < 0 ? unlimited : static_cast<std::uint64_t>(value);
}

/// Sum of some lines of a file of names and numbers.
std::uint64_t sum_in(const std::string& path, std::initializer_list<std::string_view> names) {
  std::istringstream lines(read_small_file(path).value_or(""));
  std::uint64_t sum = 0, value = 0;
  for (std::string name; lines >> name >> value;)
    if (std::find(names.begin(), names.end(), name) != names.end()) sum += value;
  return sum;
}

std::uint64_t free_swap() {
  std::istringstream lines(read_small_file("/proc/meminfo").value_or(""));
  std::uint64_t kibibytes = 0;
  for (std::string name, unit; lines >> name >> kibibytes && std::getline(lines, unit);)
    if (name == "SwapFree:") return kibibytes * 1024;
  return 0;
}

std::uint64_t rest_of(std::uint64_t limit, std::uint64_t used) {
  return limit > used ? limit - used : 0;
}

void keep_tightest(std::optional<group_memory>& tightest, group_memory found) {
  if (!tightest || found.available < tightest->available) tightest = std::move(found);
}

// What lies in files can be read again, so it goes when there is need. Shared memory is no file in this
// sense.
void look_at_unified(const std::string& folder, std::optional<group_memory>& tightest) {
  const std::string file = folder + "/memory.max";
  const std::optional<std::uint64_t> limit = number_in(file);
  if (!limit || *limit >= unlimited) return;
  const std::uint64_t used = number_in(folder + "/memory.current").value_or(0);
  const std::uint64_t files = sum_in(folder + "/memory.stat", {"inactive_file", "active_file"});
  const std::uint64_t swap_limit = number_in(folder + "/memory.swap.max").value_or(0);
  const std::uint64_t swap =
      swap_limit == 0 ? 0
                      : std::min(rest_of(swap_limit, number_in(folder + "/memory.swap.current").value_or(0)),
                                 free_swap());
  keep_tightest(tightest, {rest_of(*limit, rest_of(used, files)) + swap, *limit, file});
}

void look_at_first_version(const std::string& folder, std::optional<group_memory>& tightest) {
  const std::string file = folder + "/memory.limit_in_bytes",
                    of_both = folder + "/memory.memsw.limit_in_bytes";
  // Without a limit it says the largest multiple of a page.
  constexpr std::uint64_t none = unlimited - (std::uint64_t{1} << 20U);
  const std::uint64_t limit = number_in(file).value_or(unlimited),
                      both = number_in(of_both).value_or(unlimited);
  if (limit >= none && both >= none) return;
  const std::uint64_t files = sum_in(folder + "/memory.stat", {"total_inactive_file", "total_active_file"});
  if (limit < none) {
    const std::uint64_t used = number_in(folder + "/memory.usage_in_bytes").value_or(0);
    keep_tightest(tightest, {rest_of(limit, rest_of(used, files)) + free_swap(), limit, file});
  }
  if (both < none) {
    const std::uint64_t used = number_in(folder + "/memory.memsw.usage_in_bytes").value_or(0);
    keep_tightest(tightest, {rest_of(both, rest_of(used, files)), both, of_both});
  }
}

}  // namespace

std::optional<group_memory> memory_of_groups() {
  std::optional<group_memory> tightest;
  for (const hierarchy& each : hierarchies_of("memory"))
    for (const std::string& folder : each.folders)
      each.is_unified ? look_at_unified(folder, tightest) : look_at_first_version(folder, tightest);
  return tightest;
}

std::optional<double> processors_of_groups() {
  std::optional<double> least;
  const auto keep = [&](double quota, double period) {
    if (quota > 0 && period > 0) least = std::min(least.value_or(quota / period), quota / period);
  };
  for (const hierarchy& each : hierarchies_of("cpu")) {
    for (const std::string& folder : each.folders) {
      if (each.is_unified) {
        std::istringstream text(read_small_file(folder + "/cpu.max").value_or(""));
        double quota = 0, period = 0;
        if (text >> quota >> period) keep(quota, period);  // without a quota it begins with "max"
      } else {
        const auto quota = number_in(folder + "/cpu.cfs_quota_us"),
                   period = number_in(folder + "/cpu.cfs_period_us");
        if (quota && period && *quota < unlimited)
          keep(static_cast<double>(*quota), static_cast<double>(*period));
      }
    }
  }
  return least;
}

}  // namespace ferry::os
