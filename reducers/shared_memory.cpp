// SPDX-License-Identifier: BSL-1.0
// Reducer of shared memory, which crosses as its handle, and is checked on arrival.
#include <ferry/error.hpp>
#include <ferry/shared_memory.hpp>

#include "os/memory.hpp"

#include <gsl/narrow>

namespace ferry {
namespace {

void check(const os::memory_facts& facts, std::uint64_t size, bool writable) {
  const auto refuse = [](const std::string& why) { throw archive_error("received shared memory " + why); };
  if (!facts.is_memory) refuse("is no memory");
  if (facts.size != size || size == 0)
    refuse("of " + std::to_string(facts.size) + " bytes was announced with " + std::to_string(size));
  if (!facts.is_allocated) refuse("is not allocated: using it could end this process");
  if (!facts.is_sealed && !facts.is_private)
    refuse("is not sealed against shrinking, nor private to this user: its sender could end this process");
  if (writable && !facts.is_writable) refuse("was announced as writable and is not");
}

}  // namespace

std::tuple<handle_view, std::uint64_t, bool, std::string> reducer<shared_memory>::reduce(
    const shared_memory& memory) {
  return {handle_view(memory.native_handle()), memory.size(), memory.is_writable(), memory.name()};
}

shared_memory reducer<shared_memory>::rebuild(unique_handle handle, std::uint64_t size, bool writable,
                                              std::string called) {
  if (!called.empty() && !os::is_memory_name(called))
    throw archive_error("received shared memory has a bad name");
  check(os::examine_memory(handle), size, writable);
  return shared_memory::adopt(std::move(handle), gsl::narrow<std::size_t>(size), writable, std::move(called));
}

}  // namespace ferry
