// SPDX-License-Identifier: BSL-1.0
// Making workers install jobs and states, and forget them.
#include "pool/installed_jobs.hpp"

#include "pool/written_call.hpp"

#include <exception>
#include <new>
#include <utility>

namespace ferry::detail {
namespace {

task_list one_record(record_title::kind what, std::uint64_t id) {
  task_list one(1, std::make_shared<pool_task>());
  one.front()->what = what;
  one.front()->id = id;
  return one;
}

}  // namespace

pool_record installed_jobs::record_of(const call& what, std::uint64_t id, const archive_options& packing) {
  pool_record made(record_title{.what = record_title::kind::make, .count = 1, .id = id});
  made.append(packing, item_head::given, [&](forking_oarchive& archive) { write_call(archive, what); });
  return made;
}

std::shared_ptr<const fixture> installed_jobs::known(const callable& target) const {
  const auto found = known_.find(&target);
  return found != known_.end() ? found->second : nullptr;
}

std::shared_ptr<const fixture> installed_jobs::keep(const callable& target,
                                                    std::shared_ptr<const fixture> made) {
  return known_.emplace(&target, std::move(made)).first->second;
}

bool installed_jobs::install(pool_worker& in, const fixture& what) {
  if (in.installed.contains(what.id())) return true;
  if (what.failure) std::rethrow_exception(what.failure);
  task_list sent = one_record(record_title::kind::make, what.id());
  if (!in.link->send(what.made())) return false;
  in.sent.splice(in.sent.end(), sent);
  in.installed.insert(what.id());
  return true;
}

void installed_jobs::was_recalled(pool_worker& from, const pool_task& record) noexcept {
  from.installed.erase(record.id);
  if (record.what != record_title::kind::forget) return;
  // The worker still has it, and is told again.
  try {
    from.installed.insert(record.id);
    forget(record.id);
  } catch (const std::bad_alloc&) {
    // It keeps it until it ends.
  }
}

bool installed_jobs::forget(std::uint64_t id) noexcept {
  try {
    const std::lock_guard lock(forgotten_mutex_);
    forgotten_.push_back(id);
    any_forgotten_ = true;
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void installed_jobs::send_forgotten(worker_list& all) noexcept {
  if (!any_forgotten_) return;
  std::vector<std::uint64_t> which;
  {
    const std::lock_guard lock(forgotten_mutex_);
    which.swap(forgotten_);
    any_forgotten_ = false;
  }
  for (const std::uint64_t id : which)
    for (const auto& each : all) {
      if (each->finishing || each->installed.erase(id) == 0) continue;
      try {
        task_list sent = one_record(record_title::kind::forget, id);
        const pool_record record(record_title{.what = record_title::kind::forget, .id = id});
        if (each->link->send(record)) each->sent.splice(each->sent.end(), sent);
      } catch (const std::exception&) {
        // It keeps it until it ends.
      }
    }
}

}  // namespace ferry::detail
