/* SPDX-License-Identifier: BSL-1.0 */
/* The protocol of lib/queue: a queue in shared memory, of which any process may be killed between any two of
 * its steps. docs/queue-protocol.md tells it in words, with the same names. `check` runs the verifier.
 *
 * A step of this model is one access to memory that others see; what one process does in memory of its own, or
 * under a lock to what only that lock's holder looks at, is part of the step before. Memory is sequentially
 * consistent here, as the real accesses are where it matters (the flags of sleepers).
 *
 * What is left out: spinning before sleeping, the wrapping of counters, and bytes: a record takes one slot.
 *
 * Chosen by -D:
 *   PRODUCERS CONSUMERS ITEMS (of each producer) KILLS   how much of everything; defaults below
 *   BOUND=n     put waits while n items are in the queue
 *   LEASES=1    consumers take under a lease or plainly; LEASES=2: under a lease alone
 *   HANDLES     items have handles, which travel in packets beside the ring
 *   WATCHED     somebody waits for the queue in an event loop
 *   CLOSING     a process closes the queue at some time
 *   GIVING_UP   one consumer may give up waiting
 *   BREAK_...   one mistake each, which the verifier must find: see `check`
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
#endif
#ifndef ITEMS
#define ITEMS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifdef BOUND
#define IS_BOUNDED 1
#else
#define IS_BOUNDED 0
#define BOUND 255
#endif

#define PROCESSES (PRODUCERS + CONSUMERS + 1)
#define CLOSER (PRODUCERS + CONSUMERS)
#define ALL_ITEMS (PRODUCERS * ITEMS)

#define RINGS 4
#define CAPACITY(ring) (1 << (ring))
#define SLOT(ring, count) (CAPACITY(ring) - 1 + ((count) % CAPACITY(ring)))
#define SLOTS 15

#define NOBODY 255   /* holder of a lock that is free; lease of a record that is not leased */
#define RETURNED 254 /* lease that its holder gave back */

/* ---- what is in shared memory ------------------------------------------------------------------------- */

byte tail[RINGS]; /* how many items were ever put, as far as this ring; the same count goes on in the next */
byte next[RINGS]; /* how many were ever taken */
byte head[RINGS]; /* how many were reclaimed */
byte seen_next[RINGS], seen_head[RINGS]; /* what producers last saw of these */
byte seen_tail[RINGS];                   /* what consumers did */
byte writing;     /* the ring that producers put into */
byte reading;     /* the ring that consumers take from, at most `writing` */
byte item[SLOTS]; /* the records */
byte lease[SLOTS];
byte serial[SLOTS];
byte last_serial;
bool closed;
bool signalled; /* the eventfd */

byte lock_p = NOBODY, lock_c = NOBODY;
bool consumers_asleep, producers_asleep; /* the flags that ask for a wake-up */
byte consumer_sequence, producer_sequence;

chan packets = [ALL_ITEMS] of { byte, byte }; /* serial, and whose handles they are */

/* ---- what the system knows ---------------------------------------------------------------------------- */

bool dead[PROCESSES];
byte parked[PROCESSES]; /* what for */
#define FOR_ITEMS 1
#define FOR_ROOM 2
bool ended[PROCESSES];

/* ---- what only the verifier knows --------------------------------------------------------------------- */

byte kills, consumer_kills, put_count, taken_count, delivered_count;
byte last_put[PRODUCERS], last_taken[PRODUCERS]; /* of each producer's items: the last that was put, or taken */
bool delivered[ALL_ITEMS + 1];                   /* out of the queue for good */
bool told_end;         /* a consumer was told that nothing comes any more */
bool given_back;       /* an item was, once */
bool progress = true;  /* since the last heartbeat */
bool stop;             /* the verifier has seen enough */

#define PRODUCER_OF(value) (((value) - 1) / ITEMS)

inline check_size() {
  /* The size is exact whenever one looks: it changes at a commit, by one. */
  assert(tail[writing] - next[reading] == put_count - taken_count);
#ifdef WATCHED
  assert(put_count == taken_count || signalled);
#endif
}

/* ---- locks and sleep ---------------------------------------------------------------------------------- */

/* Holds where the lock can be taken: it is robust, so the system passes a dead holder's lock on. There is
 * nothing to repair. What only a holder of the lock changes is looked at in the same step. */
#ifndef BREAK_LOCKS_DIE
#define CAN_LOCK(which) (which == NOBODY || dead[which])
#else
#define CAN_LOCK(which) (which == NOBODY)
#endif
#define LOCK(which) atomic { CAN_LOCK(which) -> which = me }
#define UNLOCK(which) which = NOBODY

/* Sleeps unless the word has changed since it was read. Sets `late` where the time to wait is over. */
inline park(what, word, expected) {
  d_step {
    if
    :: word == expected -> parked[me] = what
    :: else
    fi;
    expected = 0;
    slept = true
  };
  if
  :: parked[me] == 0 || stop
#ifdef GIVING_UP
  :: d_step { me == PRODUCERS -> parked[me] = 0; late = true } /* one of the consumers; it may have been woken too */
#endif
  fi
}

/* Wakes one sleeper, if there is any. One that is killed as it wakes up takes the wake-up along. */
#define IS_PARKED(who, what) (parked[who] == what && !dead[who])
inline unpark_one(what) {
  atomic {
    if
    :: IS_PARKED(0, what) -> parked[0] = 0
    :: IS_PARKED(1, what) -> parked[1] = 0
    :: PROCESSES > 3 && IS_PARKED(2 % PROCESSES, what) -> parked[2 % PROCESSES] = 0
    :: PROCESSES > 4 && IS_PARKED(3 % PROCESSES, what) -> parked[3 % PROCESSES] = 0
    :: else
    fi
  }
}

inline unpark_all(what) {
  d_step {
    i = 0;
    do
    :: i < PROCESSES ->
       if
       :: parked[i] == what -> parked[i] = 0
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0
  }
}

/* After a commit: wakes one of those who asked for it. At most one wake-up is under way. (The real code reads
 * the flag before it exchanges it, which makes no difference to anybody else.) */
inline wake(flag, sequence, what) {
  if
  :: d_step { flag -> flag = false };
#ifndef BREAK_NO_SEQUENCE
     sequence++;
#endif
     unpark_one(what)
  :: else
  fi
}

#include "put.pml"
#include "take.pml"

/* ---- closing ------------------------------------------------------------------------------------------ */

proctype closer(byte me) {
  byte i;
  {
#ifndef BREAK_CLOSES_WITHOUT_P
    LOCK(lock_p);
    closed = true;
    UNLOCK(lock_p);
#else
    closed = true;
#endif
#ifndef BREAK_CLOSES_SILENTLY
    consumer_sequence++;
    unpark_all(FOR_ITEMS);
    producer_sequence++;
    unpark_all(FOR_ROOM);
#endif
    ended[me] = true
  } unless { dead[me] }
}

/* ---- what must hold ----------------------------------------------------------------------------------- */

#define MAY_KILL(who) d_step { PROCESSES > who && !ended[(who) % PROCESSES] && !dead[(who) % PROCESSES] -> \
                               dead[(who) % PROCESSES] = true; kills++; progress = true;    \
                               consumer_kills = consumer_kills + (who >= PRODUCERS -> 1 : 0) }
proctype killer() {
  do
  :: kills == KILLS -> break
  :: else ->
     if
     :: MAY_KILL(0)
     :: MAY_KILL(1)
     :: MAY_KILL(2)
     :: MAY_KILL(3)
     :: MAY_KILL(4)
     :: break
     fi
  od
}

/* Looks when nobody can do anything more. */
proctype monitor() {
  byte i, at, from, asleep_for_items;
  do
  :: timeout ->
     if
#ifndef BREAK_NO_HEARTBEAT
     :: kills > 0 && progress ->
        /* The heartbeat of those who sleep: only where somebody was killed does anybody depend on it. */
        progress = false;
        unpark_all(FOR_ITEMS);
        unpark_all(FOR_ROOM)
#endif
     :: else -> break
     fi
  od;
  skip; /* where the loop ends */
  d_step {
    find_left_lease();
    i = 0;
    do
    :: i < PROCESSES ->
       /* Nobody hangs in a lock. */
       assert(ended[i] || dead[i] || parked[i] != 0);
       if
       :: IS_PARKED(i, FOR_ITEMS) ->
          asleep_for_items++;
          assert(!closed && tail[writing] == next[reading] && at == NOBODY)
       :: IS_PARKED(i, FOR_ROOM) -> assert(!closed && tail[writing] - next[reading] >= BOUND)
       :: else
       fi;
       i++
    :: else -> break
    od;
    i = 0;
    check_size();
    /* At most what dead consumers had in their hands is lost. */
    assert(taken_count - delivered_count <= consumer_kills + given_back);
#if defined(LEASES) && LEASES == 2
    assert(asleep_for_items == 0 || delivered_count == put_count);
#endif
    stop = true
  }
}

init {
  byte i;
  atomic {
    do
    :: i < SLOTS -> lease[i] = NOBODY; i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < PRODUCERS -> run producer(i); i++
    :: else -> break
    od;
    do
    :: i < PRODUCERS + CONSUMERS -> run consumer(i); i++
    :: else -> break
    od;
#ifdef CLOSING
    run closer(CLOSER);
#else
    ended[CLOSER] = true;
#endif
    run killer();
    run monitor()
  }
}
