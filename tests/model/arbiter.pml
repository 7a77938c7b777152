/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/model/arbiter.pml - the arbiter's promises with anybody dying at any point; `run` beside it
 * checks all configurations with spin.
 *
 * Modelled, and where it is in C
 *   lockd/arbiter.c   a request waits, holds, is told to go (REVOKING), is taken from (over), is
 *                     kept for the radio's sake (dirty); a pass grants one after another and lockd
 *                     may die between two; what it knows is gone when it dies (arbiter_serve.c,
 *                     arbiter_lease.c, adopt(), arbiter_owner_gone())
 *   lockd/slotset.c   the flock of a slot lives as long as anybody has its description: lockd, or a
 *                     client, in hand or unread in its socket. LOCK_UN ends it whoever has it.
 *                     refs[] is who has the description that locks now; a copy of one that was
 *                     unlocked can no more than lock it again when it is handed back.
 *   worker/lockc.c    new channel: what is unread of the old one is dropped, HELLO, HELD for what
 *                     is held, ACQUIRE again for what waits (introduce(), lockc_adopt())
 *   lockd/slotfile.c  what is handed back must still lock: a description that was unlocked is a
 *                     grant that was taken away before its holder heard (STILL_LOCKS)
 *   supervisor        cancels the pending Connect of a dirty grant and says CLEAN; also those of
 *                     the dead of whom lockd knows no grant: they died while it was away, before
 *                     it grants again, or were refused when they came back (ORPHAN)
 *
 * Clients 0 and 1 want {device X, a connect slot}, client 2 a connect slot: a device has no file, so
 * nothing but lockd's memory keeps two apart. A client starts its Connect as it reads its grant and
 * may end at any time after; it is as slow as you like, or stops for ever (SIGSTOP), or dies.
 *
 * Promises (asserted)
 *   - one holder of a slot, of a device, as many holders as slots. A holder: alive, has read its
 *     grant, and it has not been taken away; one that did not hand back in time is none of the
 *     device's, its number is refused.
 *   - one Connect per slot and per device in the radio, those of the dead included
 *   - when nothing can happen any more: whoever is alive and not stopped was served as often as it
 *     asked (no lost wake-up), and no slot is locked for anybody, dead or stopped. Every run ends,
 *     so "in the end" is "eventually": each step uses something up, and the configuration `ends`
 *     proves that nothing but the end itself goes round.
 *   - numbers grow over restarts: the fence never refuses a rightful holder (NUMBERS)
 *
 * Left out: classes, order and deadlines (lockd/slotq.c: tests/unit/lockd/test_slotq*.c; here a
 * pass grants to any that fits), scan and maintenance (slots with other counts), `under`, renewal
 * (a lease may end at any time), outsiders, and the order of frames other than what is said above.
 *
 * Switches: ROUNDS, DEATHS (of clients), RESTARTS (of lockd), STOPS; SETTLE_TIMEOUT; NUMBERS;
 * COST_*: what a time-out or a simpler rule costs; BUG_*: mistakes, each of which must be found.
 */
#ifndef ROUNDS
#define ROUNDS 1
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#ifndef STOPS
#define STOPS 0
#endif

#define N     3 /* clients */
#define S     2 /* slots */
#define LOCKD 8 /* in refs[]; a client is 1 << c */
#define ME    (1 << c)

/* --- the world --- */

mtype = { IDLE, WAITING, HOLDING, DONE, DEAD };

byte refs[S];	    /* who has the description that locks the slot; 0: it is free */
byte radio[S];	    /* whose Connect goes on in there: 1 + client */
mtype st[N] = IDLE; /* what a client believes */
byte rounds[N] = ROUNDS;
byte slot[N]; /* of the grant that it has, or that is on its way to it */
bool stopped[N];
bool over[N]; /* its grant has been taken from it: whatever names it is refused */
bool late[N]; /* lockd settled without it: the same, but its descriptor still locks */
byte deaths = DEATHS, stops = STOPS, restarts = RESTARTS;

/* Channels of this lockd. What is unread from one before stays readable until HELLO. */
bool linked[N];
bool acquire[N], release[N], eof[N]; /* to lockd, unread; in this order: release, acquire, eof */
bool granted[N];		     /* to the client, unread, with its descriptor */

/* --- what lockd knows: gone with it --- */

mtype = { NONE, WANTS, HOLDS, REVOKING };

bool up = true, settling, run_pass, busy;
mtype rec[N] = NONE;
byte dirty[S]; /* 1: its slot, 2: and device X */

#ifdef NUMBERS
byte next_number = 1;
byte number[N];	/* of the grant that a client has or is being sent */
byte acted[S];	/* the greatest that has used the slot */
#endif

#define HAS(c)	     (rec[c] == HOLDS || rec[c] == REVOKING)
#define DEVICE(c)    ((c) == 2 || (!HAS(1 - (c)) && dirty[0] != 2 && dirty[1] != 2))
#define FITS(c)	     (rec[c] == WANTS && (refs[0] == 0 || refs[1] == 0) && DEVICE(c))
#define ALIVE(c)     (st[c] != DEAD && !stopped[c])
#define LOST(s)	     (refs[s] != 0 && !(refs[s] & LOCKD))
#define PENDING(c)   (radio[0] == 1 + (c) || radio[1] == 1 + (c))
#define ORPHAN(c)    (st[c] == DEAD && PENDING(c) && (!linked[c] || late[c]))
#define IS_HERE(c)   (linked[c] || st[c] == DEAD)
#define LEFT_OUT     ((late[0] && stopped[0]) || (late[1] && stopped[1]) || (late[2] && stopped[2]))
#define EFFECTIVE(c) (st[c] == HOLDING && !over[c])
#ifdef BUG_ADOPT_UNLOCKED
#define STILL_LOCKS(c) ((refs[slot[c]] & ~(1 << (c))) == 0)
#else
#define STILL_LOCKS(c) (refs[slot[c]] == 1 << (c))
#endif
#ifdef COST_SETTLE_TIMEOUT
#define MISSED(c) false
#else
#define MISSED(c) late[c]
#endif

/* --- promises --- */

inline is_sole_holder(c)
{
	for (i : 0 .. N - 1) {
		if
		:: i != c && EFFECTIVE(i) && EFFECTIVE(c) ->
			assert(slot[i] != slot[c]);
			assert(i == 2 || c == 2 || MISSED(i) || MISSED(c));
		:: else
		fi
	}
	i = 0;
	assert(EFFECTIVE(0) + EFFECTIVE(1) + EFFECTIVE(2) <= S);
}

inline start_connect(c)
{
#ifndef BUG_NO_FENCE
	if
	:: !over[c] && !late[c] ->
#endif
		assert(radio[slot[c]] == 0 || MISSED(radio[slot[c]] - 1));
		assert(c == 2 || !PENDING(1 - c) || MISSED(1 - c));
		radio[slot[c]] = 1 + c;
#ifdef NUMBERS
		assert(number[c] >= acted[slot[c]]);
		acted[slot[c]] = number[c];
#endif
#ifndef BUG_NO_FENCE
	:: else
	fi
#endif
}

active proctype judge()
{
	timeout ->
	d_step {
		assert(st[0] == DONE || st[0] == DEAD || stopped[0]);
		assert(st[1] == DONE || st[1] == DEAD || stopped[1]);
		assert(st[2] == DONE || st[2] == DEAD || stopped[2]);
		/* A late one that never comes back keeps its slot, until somebody kills it. */
		assert(refs[0] == 0 || LEFT_OUT);
		assert(refs[1] == 0 || LEFT_OUT);
		assert(radio[0] + radio[1] == 0 || LEFT_OUT);
	}
	/* The one cycle that may be: it is all over. */
progress:
	do
	:: true -> true
	od
}

/* --- lockd --- */

inline unlock(s)
{
#ifdef BUG_CLOSE_NOT_UNLOCK
	refs[s] = refs[s] & ~LOCKD;
#else
	refs[s] = 0;
#endif
}

/* A holder of connect ended without a word: the slot is kept, and the supervisor told. */
inline keep_dirty(c)
{
#ifdef BUG_NO_DIRTY
	unlock(slot[c]);
	run_pass = true;
#else
	dirty[slot[c]] = (c == 2 -> 1 : 2);
#endif
	rec[c] = NONE;
}

/* lockd's end of the channel of one client, and its timers. */
proctype peer(byte c)
{
end:
	do
	:: d_step { /* a step of a pass; lockd can die after each */
		up && !settling && run_pass && FITS(c) ->
		slot[c] = (refs[0] == 0 -> 0 : 1);
		refs[slot[c]] = LOCKD;
#ifndef BUG_NO_DUPLICATE
		if /* what is sent to the dead vanishes */
		:: st[c] != DEAD -> refs[slot[c]] = LOCKD | ME
		:: else
		fi;
#endif
		rec[c] = HOLDS;
		granted[c] = st[c] != DEAD;
		over[c] = false;
		late[c] = false;
#ifdef NUMBERS
		number[c] = next_number;
		next_number++;
#endif
	}
	:: d_step {
		up && !run_pass && release[c] ->
		release[c] = false;
		if
		:: HAS(c) ->
			unlock(slot[c]);
			rec[c] = NONE;
#ifndef BUG_LOST_WAKEUP
			run_pass = true;
#endif
		:: else
		fi
	}
	:: d_step {
		up && !run_pass && acquire[c] && !release[c] ->
		acquire[c] = false;
		rec[c] = WANTS;
		run_pass = true;
	}
	:: d_step {
		up && !run_pass && eof[c] && !release[c] && !acquire[c] ->
		eof[c] = false;
		if
		:: HAS(c) ->
#ifdef BUG_DEAD_KEPT
			rec[c] = NONE;
#else
			keep_dirty(c);
#endif
		:: else -> rec[c] = NONE
		fi
		run_pass = true;
	}
	:: d_step { up && !run_pass && rec[c] == HOLDS -> rec[c] = REVOKING }
	:: d_step { /* the grace is over */
		up && !run_pass && rec[c] == REVOKING ->
		over[c] = true;
		keep_dirty(c);
	}
	od
}

/* LOCK_CLEAN: the supervisor has cancelled what was pending. */
proctype cleaning(byte s)
{
end:
	do
	:: d_step {
		up && !run_pass && dirty[s] != 0 ->
		radio[s] = 0;
		dirty[s] = 0;
		unlock(s);
		run_pass = true;
	}
#ifdef COST_DIRTY_TIMEOUT
	:: d_step {
		up && !run_pass && dirty[s] != 0 ->
		dirty[s] = 0;
		unlock(s);
		run_pass = true;
	}
#endif
	od
}

active proctype lockd()
{
	byte i;
end:
	do
	:: d_step { /* the pass has nobody left */
		up && !settling && run_pass && !FITS(0) && !FITS(1) && !FITS(2) ->
		run_pass = false;
		busy = LOST(0) || LOST(1);
	}
	:: d_step { /* somebody let go of a file that was in the way: inotify, or the next try */
		up && !run_pass && busy &&
#ifndef BUG_BUSY_POLL
		(FITS(0) || FITS(1) || FITS(2)) &&
#endif
		true ->
		busy = false;
		run_pass = true;
	}
	:: d_step { /* all who live are back */
		up && settling && IS_HERE(0) && IS_HERE(1) && IS_HERE(2) &&
#ifndef COST_FORGOTTEN
		!ORPHAN(0) && !ORPHAN(1) && !ORPHAN(2) &&
#endif
		true ->
		settling = false;
		run_pass = true;
	}
#ifdef SETTLE_TIMEOUT
	:: d_step { /* time is over; some are not */
		up && settling && (!IS_HERE(0) || !IS_HERE(1) || !IS_HERE(2)) &&
		!ORPHAN(0) && !ORPHAN(1) && !ORPHAN(2) ->
		for (i : 0 .. N - 1) {
			late[i] = !linked[i] && (st[i] == HOLDING || granted[i]);
		}
		i = 0;
		settling = false;
		run_pass = true;
	}
#endif
	:: d_step {
		up && restarts > 0 ->
		restarts--;
		up = false;
		settling = false;
		run_pass = false;
		busy = false;
		for (i : 0 .. N - 1) {
			rec[i] = NONE;
			linked[i] = false;
			acquire[i] = false;
			release[i] = false;
			eof[i] = false;
		}
		i = 0;
		dirty[0] = 0;
		dirty[1] = 0;
		refs[0] = refs[0] & ~LOCKD;
		refs[1] = refs[1] & ~LOCKD;
	}
	:: d_step {
		!up ->
		up = true;
#ifndef BUG_NO_SETTLE
		settling = true;
#endif
#ifdef BUG_EPOCH
		next_number = 1;
#endif
	}
#ifndef COST_FORGOTTEN
	/* The supervisor, for the dead of whom lockd knew no grant. */
	:: d_step { ORPHAN(0) -> radio[radio[1] == 1] = 0 }
	:: d_step { ORPHAN(1) -> radio[radio[1] == 2] = 0 }
	:: d_step { ORPHAN(2) -> radio[radio[1] == 3] = 0 }
#endif
	od
}

/* --- clients --- */

/* A new channel: HELLO, and either HELD or ACQUIRE; lockd's half of HELD is in here, too. */
inline hello(c)
{
	linked[c] = true;
#ifndef BUG_LATE_READ
	if
	:: granted[c] ->
		granted[c] = false;
		refs[slot[c]] = refs[slot[c]] & ~ME;
	:: else
	fi
#endif
	if
#ifndef BUG_FORGOTTEN_WAITER
	:: st[c] == WAITING -> acquire[c] = true
#endif
	:: st[c] == HOLDING ->
		if
		:: STILL_LOCKS(c) && DEVICE(c) ->
			late[c] = false;
			refs[slot[c]] = LOCKD | ME;
			rec[c] = HOLDS;
			over[c] = false;
		:: else -> /* held by another by now */
			over[c] = true;
			refs[slot[c]] = refs[slot[c]] & ~ME;
		fi
	:: else
	fi
	is_sole_holder(c);
}

/* Only what still locks is in refs[]: that of a grant taken away is not, once it was unlocked. */
proctype client(byte c)
{
	byte i;
end:
	do
	:: d_step {
		ALIVE(c) && st[c] == IDLE && (linked[c] || !up) && rounds[c] > 0 ->
		rounds[c]--;
		st[c] = WAITING;
		acquire[c] = linked[c];
	}
	:: d_step { ALIVE(c) && st[c] == IDLE && rounds[c] == 0 -> st[c] = DONE }
	:: d_step { ALIVE(c) && up && !linked[c] -> hello(c) }
	:: d_step {
		ALIVE(c) && st[c] == WAITING && granted[c] ->
		granted[c] = false;
		st[c] = HOLDING;
		is_sole_holder(c);
		start_connect(c);
	}
	:: d_step {
		ALIVE(c) && st[c] == HOLDING ->
		if
		:: radio[slot[c]] == 1 + c -> radio[slot[c]] = 0
		:: else
		fi
		refs[slot[c]] = refs[slot[c]] & ~ME;
		release[c] = linked[c] && !over[c];
		late[c] = false;
		st[c] = IDLE;
	}
	:: d_step { /* kill -9: its descriptors vanish, also those that it has not read */
		deaths > 0 && ALIVE(c) ->
		deaths--;
		st[c] = DEAD;
		granted[c] = false;
		eof[c] = linked[c];
		refs[0] = refs[0] & ~ME;
		refs[1] = refs[1] & ~ME;
	}
	:: d_step {
		stops > 0 && ALIVE(c) && st[c] != DONE ->
		stops--;
		stopped[c] = true;
	}
	od
}

init {
	byte i;

	atomic {
		for (i : 0 .. N - 1) {
			linked[i] = true;
			run peer(i);
			run client(i);
		}
		for (i : 0 .. S - 1) {
			run cleaning(i);
		}
	}
}
