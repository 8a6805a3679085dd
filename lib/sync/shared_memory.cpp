// SPDX-License-Identifier: BSL-1.0
// Memory that processes share: its life, and the names that are made up for it.
#include <ferry/detail/base/moved_from.hpp>
#include <ferry/error.hpp>
#include <ferry/shared_memory.hpp>

#include "os/handle.hpp"
#include "os/memory.hpp"
#include "sync/new_name.hpp"

#include <optional>
#include <system_error>

namespace ferry {
namespace {

os::access access_to(bool writable) {
  return writable ? os::access::read_write : os::access::read;
}

}  // namespace

// What the copies of one object have in common.
struct shared_memory::state {
  void map(std::size_t size, bool may_write) {
    mapped = os::mapping(handle, size, access_to(may_write));
    writable = may_write;
  }

  unique_handle handle;
  os::mapping mapped;
  bool writable = false;
  std::string name;
  std::optional<os::memory_name> created_name;  // only where the name was made
};

shared_memory::shared_memory(std::size_t size) {
  const auto fresh = std::make_shared<state>();
  fresh->handle = os::create_memory(size);
  fresh->map(size, true);
  state_ = fresh;
}

shared_memory shared_memory::create_named(std::size_t size, std::string_view name) {
  const auto fresh = std::make_shared<state>();
  const bool made_up = name.empty();
  while (!fresh->handle.valid()) {
    fresh->name = made_up ? detail::new_name("psm_") : std::string(name);
    fresh->created_name.emplace(fresh->name);
    try {
      fresh->handle = os::create_named_memory(fresh->name, size);
    } catch (const system_error& problem) {
      if (!made_up || problem.code() != std::errc::file_exists) throw;
    }
  }
  fresh->created_name->take_on(fresh->handle);
  fresh->map(size, true);
  return shared_memory(fresh);
}

shared_memory shared_memory::open_named(std::string_view name) {
  std::string text(name);
  unique_handle handle = os::open_named_memory(text);
  const std::size_t size = os::examine_memory(handle).size;
  return adopt(std::move(handle), size, true, std::move(text));
}

shared_memory shared_memory::adopt(unique_handle handle, std::size_t size, bool writable, std::string name) {
  const auto fresh = std::make_shared<state>();
  fresh->handle = std::move(handle);
  fresh->name = std::move(name);
  fresh->map(size, writable);
  return shared_memory(fresh);
}

const shared_memory::state& shared_memory::held() const {
  return detail::held(state_, "shared_memory");
}

std::size_t shared_memory::size() const {
  return held().mapped.bytes().size();
}

std::span<std::byte> shared_memory::span() const {
  if (!held().writable)
    os::throw_system_error(std::errc::permission_denied,
                           "write to a read-only view of shared memory: use read_span()");
  return held().mapped.bytes();
}

std::span<const std::byte> shared_memory::read_span() const {
  return held().mapped.bytes();
}

bool shared_memory::is_writable() const {
  return held().writable;
}

shared_memory shared_memory::read_only() const {
  return adopt(os::reopen_read_only(held().handle), size(), false, held().name);
}

const std::string& shared_memory::name() const {
  return held().name;
}

void shared_memory::unlink() {
  if (!held().created_name || !held().created_name->is_ours())
    os::throw_system_error(
        std::errc::operation_not_permitted,
        "unlink shared memory '" + held().name + "': only the process that created it under that name does");
  held().created_name->remove();
}

native_handle_type shared_memory::native_handle() const {
  return held().handle.native();
}

}  // namespace ferry
