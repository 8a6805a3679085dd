// SPDX-License-Identifier: BSL-1.0
// Shared memory by memfd, and by files in /dev/shm for the named form.
#include "os/memory.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/control_groups.hpp"
#include "os/linux/limit.hpp"
#include "os/linux/small_file.hpp"
#include "os/linux/system_calls.hpp"

#include <gsl/narrow>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <limits>
#include <linux/magic.h>
#include <optional>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>

namespace ferry::os {
namespace {

// Where the C library's shm_open, and so every other program, looks for names.
const std::string name_folder = "/dev/shm/";

/// Memory and swap that can still be had, in bytes, and whose limit that is.
struct memory_to_have {
  std::uint64_t bytes = 0;
  std::string whose;
};

std::uint64_t memory_of_machine() {
  std::istringstream info(read_small_file("/proc/meminfo").value_or(""));
  std::uint64_t kibibytes = 0, total = 0;
  for (std::string key, unit; info >> key >> kibibytes && std::getline(info, unit);)
    if (key == "MemAvailable:" || key == "SwapFree:") total += kibibytes * 1024;
  if (total != 0) return total;
  // Without /proc the system does not say what could be dropped for it. The whole is the bound.
  struct sysinfo all {};
  if (::sysinfo(&all) != 0) return std::numeric_limits<std::uint64_t>::max();
  return (std::uint64_t{all.totalram} + all.totalswap) * all.mem_unit;
}

memory_to_have memory_left() {
  const std::uint64_t of_machine = memory_of_machine();
  if (const std::optional<group_memory> group = memory_of_groups(); group && group->available < of_machine)
    return {group->available, " of the " + std::to_string(group->limit) +
                                  " that the control group of this process may use (" + group->file + ")"};
  return {of_machine, {}};
}

[[noreturn]] void throw_memory_error(int code, const std::string& operation) {
  switch (code) {
    case ENOMEM: {
      const memory_to_have left = memory_left();
      throw_system_error(code, operation + ": " + std::to_string(left.bytes) + " bytes of memory" +
                                   left.whose +
                                   " can be had: ask for less, free some, or raise the limit of this process "
                                   "(`ulimit -v`) or of its container (`docker run --memory`, MemoryMax=)");
    }
    case ENOSPC:
      throw_system_error(code, operation + ": the memory file system is full: remove what is left in " +
                                   name_folder + ", enlarge it (`mount -o remount,size=...`, or --shm-size " +
                                   "of a container), or use anonymous shared memory");
    case EFBIG:
      throw_system_error(code, operation + ": the limit of file sizes is " +
                                   std::to_string(file_size_limit()) +
                                   " bytes: ask for less, or raise it with `ulimit -f` or setrlimit");
    default:
      throw_system_error(code, operation);
  }
}

/// Asked anew whenever that much has been given out since the last time: many small pieces use up a limit as
/// one large one does, and to ask takes as long as to allocate some hundred KiB.
std::atomic<std::size_t> given_unasked{0};

// What the kernel would answer with a signal, or with a killed process, is checked before it is asked.
void check_part(std::size_t offset, std::size_t size, const std::string& operation) {
  if (size == 0) throw_system_error(EINVAL, operation + ": ask for at least 1 byte");
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<off_t>::max());
  // SIGXFSZ
  if (offset > most || size > most - offset || offset + size > file_size_limit())
    throw_memory_error(EFBIG, operation);
  // The kernel goes on allocating until it has to kill a process.
  constexpr std::size_t always_there = std::size_t{1} << 20U;
  if (size < always_there && given_unasked.fetch_add(size, std::memory_order_relaxed) + size < always_there)
    return;
  // With room for what will be given out before it is asked again.
  if (const std::uint64_t left = memory_left().bytes; left < always_there || size > left - always_there)
    throw_memory_error(ENOMEM, operation);
  given_unasked.store(0, std::memory_order_relaxed);
}

void check_size(std::size_t size, const std::string& operation) {
  check_part(0, size, operation);
}

// Block by block: a signal makes the kernel undo the call at hand, and under a profiler's timer one call for
// everything would never finish.
void allocate(handle_view memory, std::size_t size, const std::string& operation, std::size_t offset = 0) {
  constexpr std::size_t block = std::size_t{1} << 20U;
  for (std::size_t done = 0; done < size;) {
    const std::size_t next = std::min(block, size - done);
    if (calls().fallocate(memory.native(), 0, gsl::narrow<off_t>(offset + done), gsl::narrow<off_t>(next)) ==
        0)
      done += next;
    else if (errno != EINTR)
      throw_memory_error(errno, operation);
  }
}

unique_handle open_file(const std::string& path, int flags, const std::string& operation) {
  constexpr mode_t this_user_only = 0600;
  for (;;) {
    const int opened = above_streams(calls().open(path.c_str(), flags | O_CLOEXEC, this_user_only));
    if (opened >= 0) return unique_handle(opened);
    if (errno != EINTR) throw_memory_error(errno, operation);
  }
}

std::string path_of(handle_view handle) {
  return "/proc/self/fd/" + std::to_string(handle.native());
}

std::string quoted(const std::string& name) {
  return "'" + name + "'";
}

std::string path_of(const std::string& name, const std::string& operation) {
  if (!is_memory_name(name))
    throw_system_error(EINVAL, operation + ": a name is not empty and has no '/' and no NUL in it");
  return name_folder + name;
}

}  // namespace

mapping::mapping(handle_view memory, std::size_t size, access how) {
  const int protection = how == access::read ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const address = calls().mmap(nullptr, size, protection, MAP_SHARED, memory.native(), 0);
  if (address == MAP_FAILED)
    throw_memory_error(errno, "map " + std::to_string(size) + " bytes of shared memory");
  bytes_ = {static_cast<std::byte*>(address), size};
}

mapping::~mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

namespace {

unique_handle create_anonymous(const std::string& operation) {
  // Memory that cannot become a program is all that some systems allow (vm.memfd_noexec); older ones do not
  // know of it.
  constexpr unsigned noexec_seal = 8;  // MFD_NOEXEC_SEAL, since Linux 6.3
  constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int made = calls().memfd_create("ferry", flags | noexec_seal);
  if (made < 0 && errno == EINVAL) made = calls().memfd_create("ferry", flags);
  if (made < 0 && (errno == ENOSYS || errno == EPERM || errno == EACCES))
    throw_system_error(errno, operation +
                                  ": a sandbox around this process refuses memfd_create(2): have its "
                                  "seccomp profile allow it");
  unique_handle memory(above_streams(made));
  if (!memory.valid()) throw_memory_error(errno, operation);
  return memory;
}

unique_handle create_unsealed(std::size_t size) {
  const std::string operation = "create shared memory of " + std::to_string(size) + " bytes";
  check_size(size, operation);
  unique_handle memory = create_anonymous(operation);
  allocate(memory, size, operation);
  // Every user may open a new memfd again by way of /proc: a view for reading would not hold other users
  // back.
  if (::fchmod(memory.native(), 0600) != 0) throw_memory_error(errno, operation);
  return memory;
}

bool seal(handle_view memory, int seals) noexcept {
  return ::fcntl(memory.native(), F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_SEAL) == 0;
}

unique_handle create_sealed(std::size_t size, int seals) {
  unique_handle memory = create_unsealed(size);
  if (!seal(memory, seals)) throw_memory_error(errno, "seal shared memory");
  return memory;
}

}  // namespace

shown_memory create_memory_to_show(std::size_t size) {
  shown_memory made;
  made.handle = create_unsealed(size);
  made.here = mapping(made.handle, size, access::read_write);
#ifndef F_SEAL_FUTURE_WRITE
  constexpr int F_SEAL_FUTURE_WRITE = 0x10;
#endif
  if (!seal(made.handle, F_SEAL_GROW | F_SEAL_FUTURE_WRITE) && !seal(made.handle, F_SEAL_GROW))
    throw_memory_error(errno, "seal shared memory");
  return made;
}

unique_handle create_memory(std::size_t size) {
  return create_sealed(size, F_SEAL_GROW);
}

unique_handle create_growing_memory(std::size_t size) {
  return create_sealed(size, 0);
}

void allocate_part(handle_view memory, std::size_t offset, std::size_t size) {
  const std::string operation = "make room for " + std::to_string(size) + " bytes more in shared memory";
  check_part(offset, size, operation);
  try {
    allocate(memory, size, operation, offset);
  } catch (...) {
    release_part(memory, offset, size);
    throw;
  }
}

void release_part(handle_view memory, std::size_t offset, std::size_t size) noexcept {
  struct stat status {};
  if (::fstat(memory.native(), &status) != 0) return;
  const auto end = static_cast<std::size_t>(status.st_size);
  if (offset >= end) return;
  const std::size_t most = end - offset;
  const auto part = static_cast<off_t>(size == 0 ? most : std::min(size, most));
  // No caller depends on the outcome: what stays allocated is given back with the rest.
  while (calls().fallocate(memory.native(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                           static_cast<off_t>(offset), part) != 0 &&
         errno == EINTR) {
  }
}

unique_handle create_named_memory(const std::string& name, std::size_t size) {
  const std::string operation =
      "create shared memory " + quoted(name) + " of " + std::to_string(size) + " bytes";
  const std::string path = path_of(name, operation);
  check_size(size, operation);
  unique_handle memory = open_file(name_folder, O_TMPFILE | O_RDWR, operation);
  allocate(memory, size, operation);
  // Named last: who finds it finds all of it, and a creator killed before this leaves nothing.
  if (calls().linkat(AT_FDCWD, path_of(memory).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0 &&
      // Without /proc: for those with the right to, and for all since Linux 6.10.
      (errno != ENOENT || calls().linkat(memory.native(), "", AT_FDCWD, path.c_str(), AT_EMPTY_PATH) != 0)) {
    if (errno == ENOENT)
      throw_system_error(errno, operation +
                                    ": without /proc memory cannot be named; mount it, or use anonymous "
                                    "shared memory");
    throw_memory_error(errno, operation);
  }
  return memory;
}

unique_handle open_named_memory(const std::string& name) {
  const std::string operation = "open shared memory " + quoted(name);
  unique_handle memory = open_file(path_of(name, operation), O_RDWR | O_NOFOLLOW, operation);
  const memory_facts facts = examine_memory(memory);
  if (!facts.is_memory || facts.size == 0)
    throw_system_error(EINVAL, operation + ": it is empty, or no memory at all");
  if (!facts.is_allocated) {
    check_size(facts.size, operation);
    allocate(memory, facts.size, operation);
  }
  return memory;
}

memory_name::memory_name(const std::string& name) : name_(name), path_(name_folder + name) {}

memory_name::~memory_name() {
  if (is_ours() && !removed_ && still_names_it()) ::unlink(path_.c_str());
}

void memory_name::take_on(handle_view memory) noexcept {
  struct stat status {};
  if (::fstat(memory.native(), &status) == 0) named_ = {status.st_dev, status.st_ino};
  owner_.emplace();
}

bool memory_name::is_ours() const noexcept {
  return owner_ && !owner_->is_copy();
}

bool memory_name::still_names_it() const noexcept {
  struct stat status {};
  return ::lstat(path_.c_str(), &status) == 0 && memory_identity{status.st_dev, status.st_ino} == named_;
}

void memory_name::remove() const {
  const std::string operation = "unlink shared memory " + quoted(name_);
  // Another process may use the name again after the first time: it is not ours to remove then.
  if (removed_.exchange(true)) throw_memory_error(ENOENT, operation);
  // Others may have removed it before, as each Python process does that had opened it; what has the name now
  // is not ours then.
  if (still_names_it() && ::unlink(path_.c_str()) != 0 && errno != ENOENT)
    throw_memory_error(errno, operation);
}

bool is_memory_name(const std::string& name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

unique_handle reopen_read_only(handle_view memory) {
  const std::string operation = "make a read-only view of shared memory";
  struct stat status {};
  if (::stat("/proc/self/fd", &status) != 0)
    throw_system_error(ENOENT, operation + ": it takes /proc, which is not mounted here");
  return open_file(path_of(memory), O_RDONLY, operation);
}

std::size_t page_size() noexcept {
#ifdef FERRY_TEST_PAGE_SIZE
  return FERRY_TEST_PAGE_SIZE;
#else
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
#endif
}

memory_facts examine_memory(handle_view handle) {
  struct stat status {};
  struct statfs file_system {};
  const int flags = ::fcntl(handle.native(), F_GETFL);
  if (flags < 0 || ::fstat(handle.native(), &status) != 0 || ::fstatfs(handle.native(), &file_system) != 0)
    throw_system_error("examine shared memory");
  if (!S_ISREG(status.st_mode) || file_system.f_type != TMPFS_MAGIC || (flags & O_PATH) != 0) return {};

  constexpr blkcnt_t block = 512;  // the unit of st_blocks, whatever the file system
  const auto whole_pages = [page = static_cast<off_t>(::sysconf(_SC_PAGESIZE))](off_t size) {
    return (size + page - 1) / page * page;
  };
  const int seals = ::fcntl(handle.native(), F_GET_SEALS);
  return {.is_memory = true,
          .size = static_cast<std::size_t>(status.st_size),
          .allocated = static_cast<std::size_t>(status.st_blocks * block),
          .is_allocated = status.st_blocks >= whole_pages(status.st_size) / block,
          .is_writable = (flags & O_ACCMODE) == O_RDWR,
          .is_sealed = seals >= 0 && (seals & F_SEAL_SHRINK) != 0,
          .is_private = status.st_uid == ::geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0};
}

void limit_address_space(std::size_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = std::min<rlim_t>(bytes, limit.rlim_max);
  if (::setrlimit(RLIMIT_AS, &limit) != 0)
    throw_system_error("limit the address space of this process to " + std::to_string(bytes) + " bytes");
}

memory_identity identify_memory(handle_view handle) {
  struct stat status {};
  if (::fstat(handle.native(), &status) != 0) throw_system_error("identify shared memory");
  return {status.st_dev, status.st_ino};
}

}  // namespace ferry::os
