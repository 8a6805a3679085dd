/* SPDX-License-Identifier: BSL-1.0 */
/* Putting: see queue.pml. */

/* Sets `no_room`. Without C: what consumers do meanwhile makes room, never less. */
inline look_for_room() {
#if IS_BOUNDED
  from = reading;
  atomic {
    taken = next[from];
    ring = writing;
    no_room = (tail[ring] - taken >= BOUND);
    from = 0;
    taken = 0
  }
#else
  skip
#endif
}

/* The same under P: as long as there was room when producers last looked, there still is. */
inline look_for_room_under_lock() {
#if IS_BOUNDED
  if
  :: d_step { reading == writing && tail[writing] - seen_next[writing] < BOUND -> no_room = false }
  :: else ->
     seen_next[writing] = next[writing];
     look_for_room()
  fi
#else
  skip
#endif
}

inline write_record(r) {
  d_step {
    item[SLOT(r, tail[ring])] = value;
    lease[SLOT(r, tail[ring])] = NOBODY;
    serial[SLOT(r, tail[ring])] = number
  }
}

/* Part of the step that commits. */
inline note_put() {
  assert(!told_end);
  assert(value == last_put[PRODUCER_OF(value)] + 1 + PRODUCER_OF(value) * ITEMS);
  last_put[PRODUCER_OF(value)]++;
  put_count++;
  progress = true;
  check_size()
}

inline send_handles() {
#ifndef BREAK_SERIAL_AFTER_PACKET
  d_step { last_serial++; number = last_serial };
  packets!number, value
#else
  atomic { number = last_serial + 1; packets!number, value };
  last_serial++
#endif
}

inline begin_ring() {
  next[ring + 1] = tail[ring];
  head[ring + 1] = tail[ring];
  seen_next[ring + 1] = tail[ring];
  seen_head[ring + 1] = tail[ring];
#ifndef BREAK_SEES_OLD_TAIL
  seen_tail[ring + 1] = tail[ring]
#endif
}

/* Under P. Puts into the last ring, or into a new one: what is done to that is done where nobody looks, and
 * done again by the next one, until `writing` is that ring. */
inline prepare() {
  ring = writing;
  if
  :: tail[ring] - seen_head[ring] == CAPACITY(ring) -> seen_head[ring] = head[ring]
  :: else
  fi;
  if
  :: tail[ring] - seen_head[ring] < CAPACITY(ring) ->
#ifdef BREAK_COMMIT_BEFORE_RECORD
     d_step { tail[ring]++; note_put() }
#else
     write_record(ring)
#endif
  :: else ->
     grows = true;
     assert(ring + 1 < RINGS);
#ifdef BREAK_SHOWS_RING_FIRST
     writing = ring + 1
#else
     begin_ring();
     write_record(ring + 1);
     tail[ring + 1] = tail[ring] + 1
#endif
  fi
}
inline commit() {
  if
#ifdef BREAK_COMMIT_BEFORE_RECORD
  :: d_step { !grows -> tail[ring]--; write_record(ring); tail[ring]++; ring = 0 }
#else
  :: d_step { !grows -> tail[ring]++; note_put(); ring = 0 }
#endif
#ifdef BREAK_SHOWS_RING_FIRST
  :: d_step { grows ->
       begin_ring();
       write_record(ring + 1);
       tail[ring + 1] = tail[ring] + 1;
       note_put();
       grows = false;
       ring = 0
     }
#else
  :: d_step { grows -> writing = ring + 1; note_put(); grows = false; ring = 0 }
#endif
  fi
}

/* Puts `value`; it is 0 afterwards if the queue is closed. */
inline put() {
  do
  :: atomic {
       CAN_LOCK(lock_p);
       if
       :: closed -> value = 0; break
       :: else -> lock_p = me
       fi;
#if !IS_BOUNDED && !defined(HANDLES) && !defined(WATCHED)
       prepare()
#endif
     };
     look_for_room_under_lock();
     if
     :: atomic { !no_room ->
#if IS_BOUNDED && !defined(HANDLES) && !defined(WATCHED)
          prepare()
#endif
        };
#ifdef HANDLES
        send_handles();
#endif
#if defined(WATCHED) && !defined(BREAK_SIGNAL_AFTER_COMMIT)
        signalled = true;
#endif
#if defined(HANDLES) || defined(WATCHED)
        atomic { prepare() };
#endif
        commit();
#if defined(WATCHED) && defined(BREAK_SIGNAL_AFTER_COMMIT)
        signalled = true;
#endif
        d_step { UNLOCK(lock_p); number = 0 };
        wake(consumers_asleep, consumer_sequence, FOR_ITEMS);
#if IS_BOUNDED
        if
        :: d_step { slept -> producers_asleep = true; slept = false };
           /* For those who still sleep: the flag was taken down when this one was woken. */
           look_for_room();
           if
           :: atomic { no_room -> no_room = false; break }
           :: else
           fi;
           wake(producers_asleep, producer_sequence, FOR_ROOM)
        :: else
        fi;
#endif
        break
#if IS_BOUNDED
     :: d_step { no_room -> UNLOCK(lock_p); no_room = false };
        seen = producer_sequence;
        producers_asleep = true;
        look_for_room();
        if
        :: atomic { no_room && !closed -> no_room = false }; park(FOR_ROOM, producer_sequence, seen)
        :: d_step { else -> seen = 0; no_room = false }
        fi;
        if
        :: atomic { stop -> value = 0; break }
        :: else
        fi
#endif
     fi
  od
}

proctype producer(byte me) {
  byte turn, value, number, ring, from, taken, seen;
  bool no_room, slept, late, grows;
  {
    do
    :: atomic { turn < ITEMS -> turn++; value = me * ITEMS + turn };
       put();
       if
       :: atomic { value == 0 -> break }
       :: atomic { else -> value = 0 }
       fi
    :: atomic { turn == ITEMS -> break }
    od;
    ended[me] = true
  } unless { dead[me] }
}
