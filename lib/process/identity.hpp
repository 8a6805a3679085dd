// SPDX-License-Identifier: BSL-1.0
// The identity of this process: its name, its position in the tree of processes, and what its children get
// from it.
#pragma once

#include <ferry/context.hpp>
#include <ferry/handle.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ferry::detail {

/// What a started child is told first. Read from the message of its parent, whom it trusts.
struct start_request {
  std::string callable;                ///< name in the table; empty: a closure is run
  std::int64_t callable_distance = 0;  ///< see `callable::distance`
  std::string callable_members;        ///< see `callable::check_members`
  std::string name;
  bool daemon = false;
  std::vector<std::uint32_t> position;  ///< the numbers of its ancestors and its own
  std::string authkey;
  bool named = false;                                 ///< by its user, so that the system shall know the name
  ferry::context context;                             ///< its default one
  std::optional<unique_handle> output, error_output;  ///< unset: the parent's
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
  bool named = false;
  bool daemon = false;
  std::vector<std::uint32_t> position;
  std::string parent_name;
  std::int64_t parent_id = 0;
  unique_handle parent;
};
/// Changes once, when a child begins.
const identity& self();
/// A secret shared by all processes that descend from one.
const std::string& family_key();

/// The position of the next child.
std::vector<std::uint32_t> next_position();
std::string name_of(const std::string& prefix, const std::vector<std::uint32_t>& position);

/// The default context, for a process or pool that is started with it: its method is settled then.
context take_default_context();
/// @throws process_error  when no process can be started so
void require_startable(const context& how);

/// Whether `ferry::init` has been called.
bool initialised() noexcept;
void note_initialised() noexcept;

}  // namespace ferry::detail
