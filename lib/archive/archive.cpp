// SPDX-License-Identifier: BSL-1.0
// What a message says of itself: the name of what it holds, written and checked.
#include <ferry/archive.hpp>

#include "archive/table_of.hpp"

#include <boost/core/demangle.hpp>

namespace ferry::detail {
namespace {

/// The name that a table in reach gives the type; or null when that is its own, and so no table's bit is set.
const std::string* table_name(const type_identity& identity, const std::type_info& type,
                              const archive_options& options) {
  const dispatch_table& table = table_of(options);
  if ((table.renamed_mask() & mask_bit(identity.hash)) == 0) return nullptr;
  const dispatch_entry* const entry = table.find(type);
  return entry != nullptr ? &entry->name() : nullptr;
}

}  // namespace

bool writes_plain(const archive_options& with) {
  return table_of(with).override_mask() == 0;
}

std::string_view wire_name_of(const type_identity& identity, const std::type_info& type,
                              const archive_options& options) {
  const std::string* const name = table_name(identity, type, options);
  return name != nullptr ? *name : identity.name;
}

forking_oarchive archive_for(const type_identity& identity, const std::type_info& type,
                             const archive_options& options) {
  const std::string* const name = table_name(identity, type, options);
  if (name != nullptr) return forking_oarchive(type_label(*name, identity.members), options);
  return forking_oarchive(identity, options);
}

void check_type_name(const forking_iarchive& archive, const type_identity& identity,
                     const std::type_info& type) {
  if (archive.type_name() != identity.name) {
    const std::string* const name = table_name(identity, type, archive.options());
    if (name == nullptr || archive.type_name() != *name)
      throw type_mismatch(archive.type_name(), name != nullptr ? *name : identity.name);
    archive.check_members(identity, type_label(*name, identity.members));
  } else {
    archive.check_members(identity);
  }
}

}  // namespace ferry::detail
