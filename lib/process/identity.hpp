// Who this process is: its name, its place among its relatives, and what its children get from it.
#pragma once

#include <ferry/context.hpp>
#include <ferry/handle.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace ferry::detail {

/// What a started child is told first. Read from the message of its parent, whom it trusts.
struct start_request {
  std::string callable;                ///< name in the table; empty: a closure is run
  std::int64_t callable_distance = 0;  ///< see `callable::distance`
  std::string name;
  bool daemon = false;
  std::vector<std::uint32_t> place;  ///< the numbers of its ancestors and its own
  std::string authkey;
  // The default context.
  start_method method = start_method::spawn;
  transfer mode = transfer::inherit;
  std::string name_prefix;
  bool fork_with_threads = false;
  // The parent.
  std::string parent_name;
  std::int64_t parent_id = 0;
  unique_handle parent;
};

/// Makes this process the one described. Takes out of `request` what it keeps.
void become(start_request& request);

/// In a forked child, before handles are closed by their numbers: lets go of those of the process it is a
/// copy of.
void drop_parents_identity() noexcept;

struct identity {
  std::string name = "main";
  bool daemon = false;
  std::vector<std::uint32_t> place;
  std::string parent_name;
  std::int64_t parent_id = 0;
  unique_handle parent;
};
/// Changes once, when a child begins.
const identity& self();
/// A secret shared by all processes that descend from one.
const std::string& family_key();

/// The place of the next child.
std::vector<std::uint32_t> next_place();
std::string name_of(const std::string& prefix, const std::vector<std::uint32_t>& place);

/// Notes that a start has settled on the default method.
void settle_start_method() noexcept;

/// Whether `ferry::init` has been called.
bool initialised() noexcept;
void note_initialised() noexcept;

}  // namespace ferry::detail
