// SPDX-License-Identifier: BSL-1.0
// The table of callables.
#include <ferry/detail/process/callable.hpp>
#include <ferry/error.hpp>

#include <algorithm>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace ferry::detail {
namespace {

/// Shared libraries bring callables while the program runs.
constinit std::shared_mutex table_guard;

/// Made by whichever callable registers first, before main; never destroyed.
std::unordered_map<std::string_view, std::vector<const callable*>>& table() {
  static auto& instance = *new std::unordered_map<std::string_view, std::vector<const callable*>>;
  return instance;
}

std::string readable(std::string_view name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(std::string(name).c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? std::string(text.get()) : std::string(name);
}

}  // namespace

callable::callable(const char* name, const void* identity, invoker how, teller what)
    : name_(name), identity_(identity), invoke_(how), tell_(what) {
  const std::unique_lock lock(table_guard);
  auto& namesakes = table()[name_];
  // The same function registers twice when two libraries of a program mention it.
  const bool known = std::any_of(namesakes.begin(), namesakes.end(),
                                 [identity](const callable* each) { return each->identity() == identity; });
  if (!known) namesakes.push_back(this);
}

std::int64_t callable::distance() const noexcept {
  return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(identity_) -
                                   reinterpret_cast<std::uintptr_t>(&table));
}

void callable::check_members(std::string_view there) const {
  const type_identity& here = tell_();
  if (there == here.members) return;
  const std::string difference = difference_of_members(there, here), name = readable(name_);
  if (!difference.empty()) throw type_mismatch(name, name, difference);
}

bool callable::has_unique_name() const {
  const std::shared_lock lock(table_guard);
  return table().at(name_).size() == 1;
}

const callable& callable::find(std::string_view name, std::int64_t distance) {
  const std::shared_lock lock(table_guard);
  const auto found = table().find(name);
  if (found == table().end()) {
    throw process_error(
        "this program knows no callable " + readable(name) +
        ": it has to mention it, as in ferry::fn<&function>, and to call ferry::init in main, "
        "not before. (Where a library is loaded that mentions it, program and library need one "
        "shared libferry)");
  }
  const auto& namesakes = found->second;
  if (namesakes.size() == 1) return *namesakes.front();
  const auto meant = std::find_if(namesakes.begin(), namesakes.end(),
                                  [distance](const callable* each) { return each->distance() == distance; });
  if (meant == namesakes.end()) throw_ambiguous(name);
  return **meant;
}

void throw_ambiguous(std::string_view name) {
  throw process_error(
      "several callables have the name " + readable(name) +
      ": to be called in another program or library, a function or type needs a name of its own, in "
      "a named namespace and not static");
}

}  // namespace ferry::detail
