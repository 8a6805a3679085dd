/* SPDX-License-Identifier: BSL-1.0 */
/* Taking: see queue.pml. */

/* Is there a record whose lease was given back, or whose holder is no more? Sets `at` to its slot, or NOBODY. */
inline find_left_lease() {
#ifdef LEASES
  at = NOBODY;
    from = 0;
    do
    :: true ->
       i = head[from];
       do
       :: i < next[from] && at == NOBODY ->
          if
          :: lease[SLOT(from, i)] == RETURNED -> at = SLOT(from, i)
          :: lease[SLOT(from, i)] < PROCESSES ->
             if
             :: dead[lease[SLOT(from, i)]] -> at = SLOT(from, i)
             :: else
             fi
          :: else
          fi;
          i++
       :: else -> break
       od;
       if
       :: writing > from && at == NOBODY -> from++
       :: else -> break
       fi
    od;
    from = 0;
    i = 0
#else
  at = NOBODY
#endif
}

/* Sets `ring` to the one that there may be something in, and `any` to whether there is. Without C this is a
 * look at what may change any moment. In two steps: a look at the ring, and then at what follows. */
#define IS_ANY_IN(ring) (seen_tail[ring] != next[ring] || tail[ring] != next[ring])
#define LOOK ring = reading; any = IS_ANY_IN(ring)
inline look_on() {
  do
  :: !any && writing > ring ->
     /* Nothing more comes in this ring; but something may have come before there was a next one. */
#ifndef BREAK_NO_SECOND_LOOK
     any = IS_ANY_IN(ring);
#endif
     if
     :: !any -> ring++; any = IS_ANY_IN(ring)
     :: else
     fi
  :: else -> break
  od;
  skip
}

/* The look before sleeping. */
inline look_for_items() {
  d_step { LOOK };
  d_step {
    look_on();
    if
    :: !any -> find_left_lease(); any = (at != NOBODY)
    :: else
    fi;
    at = 0;
    ring = 0
  }
}

/* Under C. Gives room back, as far as nobody holds a lease. */
inline reclaim() {
  from = 0;
  do
  :: true ->
     do
     :: head[from] < next[from] && lease[SLOT(from, head[from])] == NOBODY -> head[from]++
     :: else -> break
     od;
     if
     :: writing > from -> from++
     :: else -> break
     fi
  od;
  from = 0
}

/* Part of the step that commits. */
inline note_taken() {
  assert(value != 0);
  assert(value == last_taken[PRODUCER_OF(value)] + 1 + PRODUCER_OF(value) * ITEMS);
  last_taken[PRODUCER_OF(value)]++;
  taken_count++;
  progress = true;
  check_size()
}

inline deliver() {
  assert(!delivered[value]);
  delivered[value] = true;
  delivered_count++;
  progress = true
}

/* Under C, with the record's serial in `number`. Sets `whole`: its handles are there, and taken. */
inline take_handles() {
  do
  :: d_step { nempty(packets) -> packets?<front, owner> };
     if
     :: d_step { front == number -> packets?front, owner; assert(owner == value); whole = true }; break
#ifndef BREAK_ORPHANS_STAY
     :: front < number -> packets?front, owner /* its producer was killed before it committed */
#else
     :: front < number -> break
#endif
     :: front > number -> break /* its consumer was killed before it committed */
     fi
  :: empty(packets) -> break /* the same */
  od;
  skip; /* where the loop ends */
  d_step { front = 0; owner = 0 }
}

/* Under C, with a record in `ring`. Takes it out into `value`; 0 if its handles are lost. */
inline take_next() {
#ifdef BREAK_COMMIT_BEFORE_COPY
  d_step { next[ring]++; note_taken(); head[ring] = next[ring] };
  assert(item[at] == value);
#else
#ifdef HANDLES
  take_handles();
#endif
#ifdef LEASES
  d_step {
    if
    :: leased -> lease[at] = me
#ifndef BREAK_STALE_LEASE
    :: else -> lease[at] = NOBODY /* one who took it under a lease may have been killed before its commit */
#else
    :: else
#endif
    fi
  };
#endif
  d_step {
    next[ring]++;
    note_taken();
    ring = 0;
    number = 0;
    any = false;
#ifdef HANDLES
    if
    :: !whole -> value = 0
    :: else -> whole = false
    fi
#endif
  };
#endif
  d_step { reclaim(); UNLOCK(lock_c) }
}

/* Takes an item into `value`. It is 0 if the handles of an item are lost, or `late`, or `over`: the end. */
inline get() {
  do
  :: d_step {
       CAN_LOCK(lock_c) -> lock_c = me;
#ifndef BREAK_CLOSED_IS_READ_LATE
       over = closed;
#endif
       LOOK
     };
     d_step {
       look_on();
       if
       :: ring != reading -> reading = ring; check_size()
       :: else
       fi;
       if
       :: any ->
          if
          :: seen_tail[ring] == next[ring] -> seen_tail[ring] = tail[ring]
          :: else
          fi;
          at = SLOT(ring, next[ring]); value = item[at]; number = serial[at]; over = false
       :: else -> find_left_lease()
       fi
     };
     if
     :: any ->
        take_next();
        wake(producers_asleep, producer_sequence, FOR_ROOM);
        break
#ifdef LEASES
     :: d_step { !any && at != NOBODY ->
          /* Taken over by one store; it stays where it is. */
          over = false;
          value = item[at];
          if
          :: leased -> lease[at] = me
          :: else -> lease[at] = NOBODY
          fi
        };
        UNLOCK(lock_c);
        break
#endif
     :: atomic { !any && at == NOBODY -> at = 0 };
#ifdef WATCHED
        /* Nothing is put between this look and the clearing. */
#ifndef BREAK_CLEAR_WITHOUT_P
        LOCK(lock_p);
#endif
        look_for_items();
        if
        :: d_step { !any -> signalled = false }
        :: else
        fi;
#ifndef BREAK_CLEAR_WITHOUT_P
        UNLOCK(lock_p);
#endif
#endif
#ifdef BREAK_CLOSED_IS_READ_LATE
        over = closed;
#endif
        if
        :: atomic { over -> assert(put_count == taken_count); UNLOCK(lock_c); told_end = true; break }
        :: d_step { else -> UNLOCK(lock_c); ring = 0 }
        fi;
#if defined(BREAK_LOOK_BEFORE_FLAG)
        seen = consumer_sequence;
        look_for_items();
        consumers_asleep = true;
#elif defined(BREAK_FLAG_BEFORE_SEQUENCE)
        consumers_asleep = true;
        seen = consumer_sequence;
        look_for_items();
#else
        /* In this order: whoever takes the flag down from here on changes the sequence after it was read. */
        seen = consumer_sequence;
        consumers_asleep = true;
        look_for_items();
#endif
        if
        :: atomic { !any && !closed -> skip }; park(FOR_ITEMS, consumer_sequence, seen)
        :: d_step { else -> seen = 0; any = false }
        fi;
        if
        :: atomic { late || stop -> break }
        :: else
        fi
     fi
  od;
  if
#if defined(BREAK_NO_PASSING_ON)
  :: false ->
#elif defined(BREAK_GIVES_UP_SILENTLY)
  :: atomic { slept && !late -> left = at };
#else
  :: atomic { slept -> left = at };
#endif
     /* For those who still sleep: the flag was taken down when this one was woken. */
#ifdef BREAK_PASSES_ON_TOO_EARLY
     look_for_items();
     consumers_asleep = true;
#else
     consumers_asleep = true;
     look_for_items();
#endif
     d_step { at = left; left = 0; slept = false };
     if
     :: atomic { any -> any = false }; wake(consumers_asleep, consumer_sequence, FOR_ITEMS)
     :: else
     fi
  :: else -> slept = false
  fi
}

/* What is done with an item that was taken under a lease. */
inline finish_lease() {
  if
  :: d_step { lease[at] = NOBODY; deliver(); leased = false; value = 0; at = 0 };
     LOCK(lock_c);
     d_step { reclaim(); UNLOCK(lock_c) }
  :: d_step { !given_back -> lease[at] = RETURNED; given_back = true; progress = true; leased = false; value = 0; at = 0 };
     wake(consumers_asleep, consumer_sequence, FOR_ITEMS)
  fi
}

proctype consumer(byte me) {
  byte value, number, ring, from, seen, i, at, left, front, owner;
  bool any, slept, late, over, leased, whole;
  {
    do
    :: true ->
#ifdef LEASES
       if
       :: leased = true
#if LEASES == 1
       :: leased = false
#endif
       fi;
#endif
       get();
       if
       :: atomic { late || over || stop -> break }
       :: atomic { value != 0 && leased && !late && !over && !stop -> skip }; finish_lease()
       :: d_step { value != 0 && !leased && !late && !over && !stop -> deliver(); value = 0; at = 0 }
       :: else
       fi;
       if
       :: break /* busy with the item for longer than anybody looks */
       :: true
       fi
    od;
    ended[me] = true
  } unless { dead[me] }
}
