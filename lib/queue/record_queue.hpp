// SPDX-License-Identifier: BSL-1.0
// Records of bytes and handles through shared memory: a ring, and a socket beside it for the handles.
#pragma once

#include <ferry/deadline.hpp>
#include <ferry/detail/queue/lease_ticket.hpp>
#include <ferry/handle.hpp>
#include <ferry/limits.hpp>
#include <ferry/message.hpp>

#include "handles/handle_bundle.hpp"
#include "queue/item_handles.hpp"
#include "queue/ring.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>
#include <vector>

namespace ferry::detail {

/// What queues and the channels of a pool are made of. A record is put whole or not at all, and taken whole
/// or not at all, whichever process is killed meanwhile: its handles are sent before its bytes can be seen,
/// and dropped after it has been taken. What a killed process leaves of handles is dropped by the next that
/// comes upon it. Thread-safe where it is shared among all; else for one thread at each end.
class record_queue {
 public:
  using sharing = ring::sharing;

  /// For any number of processes. @see ring
  record_queue(std::uint64_t max_items, std::uint64_t max_bytes, bool tasks)
      : ring_(max_items, max_bytes, tasks), handles_(std::make_shared<item_handles>()) {}
  /// One that has arrived.
  /// @throws archive_error  when these are not the parts of one
  record_queue(unique_handle memory, unique_handle reader, unique_handle writer)
      : ring_(std::move(memory)),
        handles_(std::make_shared<item_handles>(std::move(reader), std::move(writer))) {}
  /// Between two ends.
  /// @param among  recallable, or one to one
  /// @param handles  this process's end of a socket, which another record_queue, that goes the other way,
  ///                 may use too
  record_queue(sharing among, std::shared_ptr<item_handles> handles)
      : ring_(among), among_(among), handles_(std::move(handles)) {}
  record_queue(unique_handle memory, sharing among, std::shared_ptr<item_handles> handles)
      : ring_(std::move(memory), among), among_(among), handles_(std::move(handles)) {}

  /// Puts a copy of a record.
  /// @param announce  called under the producers' lock, just before the record can be seen
  /// @returns false when there was no room until then, or none for its handles
  /// @throws queue_closed, limit_exceeded  as `ring::put_by`
  /// @throws system_error  when memory or descriptors have run out; nothing was put then
  template <class Announce>
  bool put(const message_view& what, deadline until, Announce&& announce);

  /// How a record is to be taken.
  struct taking {
    /// Of bytes and handles. A record that has more is told and not given: it is lost where the queue is
    /// shared among all, and stays where it is between two ends, which do not go on after that.
    limits most = {};
    bool under_lease = false;  ///< see `lease`
    /// Where memory or descriptors run out, so many bytes from its beginning are taken all the same, and the
    /// rest is lost; unset: the record stays where it is.
    std::optional<std::size_t> least = {};
  };
  struct taken {
    enum class kind { none, record, too_large } what = kind::none;
    std::uint64_t bytes = 0;    ///< that the record has
    std::uint32_t handles = 0;  ///< likewise
    lease_ticket lease = {};    ///< if it is under one
  };
  /// Takes the next record.
  /// @param into  gets it, and is empty where none is taken; its memory is used again
  /// @param settle  called under the consumers' lock, when a record has been taken
  /// @throws end_of_stream  when it is closed and everything has been taken
  /// @throws archive_error  when others have written nonsense
  /// @throws std::bad_alloc, system_error  when memory or descriptors have run out, see `taking::least`; one
  ///         with a bundle of handles is lost then
  template <class Settle>
  taken get(message& into, const taking& how, deadline until, Settle&& settle);

  /// Of a recallable one, for the end that puts: drops what has not been taken, which is what was put last.
  /// @param most  records that there can be
  /// @returns how many records; nothing when the other side is just taking, or holds the lock for ever
  /// @throws archive_error  when there are more, or what is there is no record
  std::optional<std::size_t> recall(std::size_t most);

  /// Under the consumers' lock: the record is done with. Does nothing when the lease was over already.
  void end_lease(ring::consumer& from, const lease_ticket& lease);
  /// To be called when the lock has been let go of: wakes those who wait for the end of leases.
  void after_lease();
  /// @param discard  drops what is there, with its handles, but for those of leases
  /// @see ring::close
  template <class Announce>
  void close(bool discard, Announce&& announce);

  ring& items() noexcept { return ring_; }
  const ring& items() const noexcept { return ring_; }
  handle_view memory() const noexcept { return ring_.handle(); }
  item_handles& handles() const noexcept { return *handles_; }

 private:
  bool take(ring::consumer& from, message& into, const taking& how, taken& got, bool& lost, bool& no_memory);
  bool peek_handles(ring::consumer& from, std::vector<unique_handle>& into);
  void drop_handles(ring::consumer& from, std::uint64_t serial) noexcept;
  /// Drops handles that belong to no record any more. @returns whether there may have been some
  bool drop_abandoned();
  void drop_handles_of_recalled();
  void claim(message& into, const taken& got, bool lost);

  ring ring_;
  const sharing among_ = sharing::among_all;
  std::shared_ptr<item_handles> handles_;
};

template <class Announce>
bool record_queue::put(const message_view& what, deadline until, Announce&& announce) {
  const record_facts facts{static_cast<std::uint32_t>(what.handles.size()), what.format};
  if (what.handles.empty()) {
    return ring_.put_by(what.bytes.size(), until, [&](ring::producer& to) {
      announce();
      to.commit(what.bytes, facts);
      return true;
    }) == ring::outcome::done;
  }
  std::vector<handle_view> carried(what.handles.begin(), what.handles.end());
  std::optional<unique_handle> bundle;
  if (carried.size() > most_direct_handles) {
    bundle = pack_handles(carried, until);
    if (!bundle) return false;
    carried.assign(1, *bundle);
  }
  for (;;) {
    const ring::outcome outcome = ring_.put_by(what.bytes.size(), until, [&](ring::producer& to) {
      if (!handles_->send(to.take_serial(), carried)) return false;
      announce();
      to.commit(what.bytes, facts);
      return true;
    });
    if (outcome != ring::outcome::declined) return outcome == ring::outcome::done;
    // No consumer needs to come for what fills an empty queue: so who waits for that room makes it.
    if (!drop_abandoned() && !handles_->wait_for_room(until)) return false;
  }
}

template <class Settle>
record_queue::taken record_queue::get(message& into, const taking& how, deadline until, Settle&& settle) {
  if (how.under_lease) ring_.join();
  for (;;) {
    taken got;
    bool lost = false, no_memory = false;
    into.storage().truncate(0);
    into.handles().clear();
    const ring::outcome outcome = ring_.get_by(
        until,
        [&](ring::consumer& from) {
          const bool is_whole = take(from, into, how, got, lost, no_memory);
          settle();
          return is_whole;
        },
        [&] {
          drop_abandoned();
          drop_handles_of_recalled();
        });
    if (outcome == ring::outcome::timed_out) return {};
    if (outcome == ring::outcome::declined) continue;
    if (no_memory) throw std::bad_alloc();
    if (got.handles != 0 && got.what == taken::kind::record) claim(into, got, lost);
    return got;
  }
}

template <class Announce>
void record_queue::close(bool discard, Announce&& announce) {
  ring_.close(discard, announce);
  if (!discard) return;
  const ring::consumer lock(ring_, deadline::never());
  if (!lock.is_any_leased()) handles_->drop_all();
}

}  // namespace ferry::detail
