// SPDX-License-Identifier: BSL-1.0
// Dynamic reading by wire name.
#include <ferry/any_object.hpp>

#include <boost/core/demangle.hpp>

namespace ferry {

void any_object::check(bool holds, const std::string& asked) const {
  if (!holds) throw type_mismatch(object_ != nullptr ? name() : "nothing (it was moved from)", asked);
}

any_object detail::load_any(message from, const archive_options& options) {
  forking_iarchive archive(std::move(from), options);
  const detail::dispatch_entry& entry = archive.entry_named(archive.type_name());
  archive.check_members(entry.identity(), detail::type_label(entry.name(), entry.identity().members));
  try {
    detail::erased_object object = entry.load_value(archive);
    archive.finish();
    return {std::move(object), entry};
  } catch (...) {
    archive.give_up();
  }
}

void dispatcher::add(std::string_view name, callback call) {
  if (!handlers_.try_emplace(std::string(name), std::move(call)).second)
    throw name_error("this dispatcher has a handler for '" + std::string(name) + "' already",
                     std::string(name));
}

void dispatcher::operator()(message from) {
  forking_iarchive archive(std::move(from), options_);
  const auto found = handlers_.find(archive.type_name());
  if (found == handlers_.end()) {
    std::string known;
    for (const auto& [name, call] : handlers_) known += (known.empty() ? "" : ", ") + name;
    throw name_error("no handler for '" + archive.type_name() + "'; there are handlers for: " + known,
                     archive.type_name());
  }
  found->second(archive);
}

}  // namespace ferry
