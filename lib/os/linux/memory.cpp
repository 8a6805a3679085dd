// Shared memory by memfd, and by files in /dev/shm for the named form.
#include "os/memory.hpp"

#include <ferry/error.hpp>

#include "os/handle.hpp"
#include "os/linux/above_streams.hpp"
#include "os/linux/limit.hpp"
#include "os/linux/system_calls.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <linux/magic.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace ferry::os {
namespace {

// Where the C library's shm_open, and so every other program, looks for names.
const std::string name_folder = "/dev/shm/";

// Memory and swap that can still be had, in bytes; 0 if the system does not tell.
std::size_t available_memory() {
  std::ifstream info("/proc/meminfo");
  std::size_t kibibytes = 0, total = 0;
  for (std::string key, unit; info >> key >> kibibytes && std::getline(info, unit);)
    if (key == "MemAvailable:" || key == "SwapFree:") total += kibibytes * 1024;
  return total;
}

[[noreturn]] void throw_memory_error(int code, const std::string& operation) {
  switch (code) {
    case ENOMEM:
      throw_system_error(code, operation + ": " + std::to_string(available_memory()) +
                                   " bytes of memory can be had: ask for less, free some, or raise the limit "
                                   "of this process (`ulimit -v`) or of its container");
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

// What the kernel would answer with a signal, or with a killed process, is checked before it is asked.
void check_part(std::size_t offset, std::size_t size, const std::string& operation) {
  if (size == 0) throw_system_error(EINVAL, operation + ": ask for at least 1 byte");
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<off_t>::max());
  // SIGXFSZ
  if (offset > most || size > most - offset || offset + size > file_size_limit())
    throw_memory_error(EFBIG, operation);
  // The kernel goes on allocating until it has to kill somebody. A question that takes tens of microseconds
  // is not worth asking for what any working machine has.
  constexpr std::size_t always_there = std::size_t{1} << 20U;
  if (size <= always_there) return;
  const std::size_t available = available_memory();
  if (available != 0 && size > available) throw_memory_error(ENOMEM, operation);
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
    if (calls().fallocate(memory.native(), 0, static_cast<off_t>(offset + done), static_cast<off_t>(next)) ==
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

unique_handle create_sealed(std::size_t size, int seals) {
  const std::string operation = "create shared memory of " + std::to_string(size) + " bytes";
  check_size(size, operation);
  unique_handle memory(above_streams(calls().memfd_create("ferry", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  if (!memory.valid()) throw_memory_error(errno, operation);
  allocate(memory, size, operation);
  // Everybody may open a new memfd again by way of /proc: a view for reading would be none for other users.
  if (::fchmod(memory.native(), 0600) != 0 ||
      ::fcntl(memory.native(), F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
    throw_memory_error(errno, operation);
  return memory;
}

}  // namespace

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
  // Nobody waits for the outcome: what stays allocated is given back with the rest.
  while (::fallocate(memory.native(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                     part) != 0 &&
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
  if (::linkat(AT_FDCWD, path_of(memory).c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) != 0)
    throw_memory_error(errno, operation);
  return memory;
}

unique_handle open_named_memory(const std::string& name) {
  const std::string operation = "open shared memory " + quoted(name);
  unique_handle memory = open_file(path_of(name, operation), O_RDWR | O_NOFOLLOW, operation);
  const memory_facts facts = examine_memory(memory);
  if (!facts.is_memory || facts.size == 0)
    throw_system_error(EINVAL, operation + ": it is empty, or no memory at all");
  if (!facts.is_allocated) allocate(memory, facts.size, operation);
  return memory;
}

memory_name::memory_name(const std::string& name) : name_(name), path_(name_folder + name) {}

memory_name::~memory_name() {
  if (is_ours() && !removed_) ::unlink(path_.c_str());
}

void memory_name::take_on() noexcept {
  owner_ = ::getpid();
}

bool memory_name::is_ours() const noexcept {
  return owner_ == ::getpid();
}

void memory_name::remove() const {
  const std::string operation = "unlink shared memory " + quoted(name_);
  // Somebody else may use the name again after the first time: it is not ours to remove then.
  if (removed_.exchange(true)) throw_memory_error(ENOENT, operation);
  if (::unlink(path_.c_str()) != 0) throw_memory_error(errno, operation);
}

bool is_memory_name(const std::string& name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

unique_handle reopen_read_only(handle_view memory) {
  return open_file(path_of(memory), O_RDONLY, "make a read-only view of shared memory");
}

memory_facts examine_memory(handle_view handle) {
  struct stat status {};
  struct statfs file_system {};
  const int flags = ::fcntl(handle.native(), F_GETFL);
  if (flags < 0 || ::fstat(handle.native(), &status) != 0 || ::fstatfs(handle.native(), &file_system) != 0)
    throw_system_error("examine shared memory");
  if (!S_ISREG(status.st_mode) || file_system.f_type != TMPFS_MAGIC || (flags & O_PATH) != 0) return {};

  constexpr blkcnt_t block = 512;  // the unit of st_blocks, whatever the file system
  const int seals = ::fcntl(handle.native(), F_GET_SEALS);
  return {.is_memory = true,
          .size = static_cast<std::size_t>(status.st_size),
          .is_allocated = status.st_blocks >= status.st_size / block,
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
