// SPDX-License-Identifier: BSL-1.0
// Writing a call, and making it.
#include "pool/written_call.hpp"

#include <ferry/archive.hpp>

#include <cstdint>
#include <string>

namespace ferry::detail {

void write_call(forking_oarchive& into, const call& what) {
  const callable& target = what.target();
  into << std::string_view(target.name()) << target.distance() << target.members();
  what.write(into);
}

std::shared_ptr<void> invoke_written(forking_iarchive& from) {
  try {
    const auto name = make<std::string>(from);
    const auto distance = make<std::int64_t>(from);
    const callable& target = callable::find(name, distance);
    target.check_members(make<std::string>(from));
    return target.invoke(from);
  } catch (...) {
    from.give_up();
  }
}

}  // namespace ferry::detail
