// SPDX-License-Identifier: BSL-1.0
// Dispatch tables: entries by name and by type, in layers.
#include <ferry/boost_export.hpp>
#include <ferry/dispatch_table.hpp>

#include <boost/core/demangle.hpp>

#include <algorithm>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

namespace ferry {

struct dispatch_table::entries {
  mutable std::shared_mutex guard;
  std::map<std::string, std::unique_ptr<const detail::dispatch_entry>, std::less<>> by_name;
  std::unordered_map<std::type_index, const detail::dispatch_entry*> by_type;
};

dispatch_table::dispatch_table(std::string label, const dispatch_table* parent)
    : entries_(std::make_unique<entries>()), parent_(parent), label_(std::move(label)) {}

dispatch_table::~dispatch_table() = default;

dispatch_table& detail::global_table() {
  // Never destroyed: objects with static storage may still be sent while the program ends.
  static dispatch_table& table = *new dispatch_table("global table", nullptr);
  return table;
}

void dispatch_table::insert(std::unique_ptr<const detail::dispatch_entry> entry) {
  const std::unique_lock lock(entries_->guard);
  const auto describe = [](const detail::dispatch_entry& e) {
    return "'" + e.name() + "' for " + boost::core::demangle(e.type().name());
  };
  const detail::dispatch_entry* standing = nullptr;
  if (const auto named = entries_->by_name.find(entry->name()); named != entries_->by_name.end()) {
    standing = named->second.get();
  } else if (const auto typed = entries_->by_type.find(entry->type()); typed != entries_->by_type.end()) {
    standing = typed->second;
  }
  if (standing != nullptr) {
    throw name_error("cannot add " + describe(*entry) + " to the " + label_ + ", which has " +
                         describe(*standing) + ": a name stands for one type and a type has one name",
                     entry->name());
  }
  const std::uint64_t bit = detail::mask_bit(entry->type_hash());
  const bool overrides = entry->overrides(), renames = detail::hash_name(entry->name()) != entry->type_hash();
  const detail::dispatch_entry& added = *entry;
  const auto added_by_name = entries_->by_name.emplace(added.name(), std::move(entry)).first;
  try {
    entries_->by_type.emplace(added.type(), &added);
  } catch (...) {
    entries_->by_name.erase(added_by_name);
    throw;
  }
  if (renames) renamed_mask_.fetch_or(bit, std::memory_order_release);
  if (overrides) override_mask_.fetch_or(bit, std::memory_order_release);
}

void detail::insert_exported(std::unique_ptr<const dispatch_entry> entry) {
  dispatch_table& table = global_table();
  const dispatch_entry* const standing = table.find(std::string_view(entry->name()));
  if (standing == nullptr || standing->type() != entry->type()) table.insert(std::move(entry));
}

const detail::dispatch_entry* dispatch_table::find(std::string_view name) const {
  for (const dispatch_table* table = this; table != nullptr; table = table->parent_) {
    const std::shared_lock lock(table->entries_->guard);
    if (const auto found = table->entries_->by_name.find(name); found != table->entries_->by_name.end())
      return found->second.get();
  }
  return nullptr;
}

const detail::dispatch_entry* dispatch_table::find(std::type_index type) const {
  for (const dispatch_table* table = this; table != nullptr; table = table->parent_) {
    const std::shared_lock lock(table->entries_->guard);
    if (const auto found = table->entries_->by_type.find(type); found != table->entries_->by_type.end())
      return found->second;
  }
  return nullptr;
}

const detail::dispatch_entry* dispatch_table::find_nearest(const std::exception& error) const {
  if (const detail::dispatch_entry* const own = find(std::type_index(typeid(error)))) return own;
  const detail::dispatch_entry* nearest = nullptr;
  for (const dispatch_table* table = this; table != nullptr; table = table->parent_) {
    const std::shared_lock lock(table->entries_->guard);
    for (const auto& [type, entry] : table->entries_->by_type) {
      const void* const part = entry->part_of(error);
      // Of two bases, the nearer one is derived from the other.
      if (part != nullptr && (nearest == nullptr || nearest->is_base_of(*entry, part))) nearest = entry;
    }
  }
  return nearest;
}

const detail::dispatch_entry* dispatch_table::find_override(std::type_index type) const {
  for (const dispatch_table* table = this; table != nullptr; table = table->parent_) {
    const std::shared_lock lock(table->entries_->guard);
    const auto found = table->entries_->by_type.find(type);
    if (found != table->entries_->by_type.end() && found->second->overrides()) return found->second;
  }
  return nullptr;
}

std::uint64_t dispatch_table::renamed_mask() const noexcept {
  std::uint64_t mask = 0;
  for (const dispatch_table* table = this; table != nullptr; table = table->parent_)
    mask |= table->renamed_mask_.load(std::memory_order_acquire);
  return mask;
}

std::uint64_t dispatch_table::override_mask() const noexcept {
  std::uint64_t mask = 0;
  for (const dispatch_table* table = this; table != nullptr; table = table->parent_)
    mask |= table->override_mask_.load(std::memory_order_acquire);
  return mask;
}

bool dispatch_table::contains(std::string_view name) const {
  return find(name) != nullptr;
}

std::vector<std::string> dispatch_table::names() const {
  const std::shared_lock lock(entries_->guard);
  std::vector<std::string> result;
  result.reserve(entries_->by_name.size());
  for (const auto& [name, entry] : entries_->by_name) result.push_back(name);
  return result;
}

}  // namespace ferry
