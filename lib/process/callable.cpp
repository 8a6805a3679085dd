// The table of callables.
#include <ferry/detail/callable.hpp>
#include <ferry/error.hpp>

#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <unordered_map>

namespace ferry::detail {
namespace {

struct table_of_callables {
  struct known {
    const callable* entry;
    bool ambiguous;
  };
  std::unordered_map<std::string_view, known> entries;
  std::shared_mutex mutex;  // shared libraries bring callables while the program runs
};

/// Made by whichever callable registers first, before main; never destroyed.
table_of_callables& table() {
  static auto& instance = *new table_of_callables;
  return instance;
}

std::string readable(std::string_view name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(std::string(name).c_str(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? std::string(text.get()) : std::string(name);
}

}  // namespace

callable::callable(const char* name, const void* identity, invoker how)
    : name_(name), identity_(identity), invoke_(how) {
  table_of_callables& all = table();
  const std::unique_lock lock(all.mutex);
  const auto [place, inserted] = all.entries.try_emplace(name_, table_of_callables::known{this, false});
  // The same callable registers twice when two libraries of a program mention it.
  if (!inserted) place->second.ambiguous |= place->second.entry->identity_ != identity_;
}

const callable& callable::find(std::string_view name) {
  table_of_callables& all = table();
  const std::shared_lock lock(all.mutex);
  const auto place = all.entries.find(name);
  if (place == all.entries.end()) {
    throw process_error("this program knows no callable " + readable(name) +
                        ": it has to mention it, as in ferry::fn<&function>");
  }
  if (place->second.ambiguous) {
    throw process_error(
        "several callables have the name " + readable(name) +
        ": functions and types that are started as processes need names of their own, in a named "
        "namespace and not static");
  }
  return *place->second.entry;
}

}  // namespace ferry::detail
