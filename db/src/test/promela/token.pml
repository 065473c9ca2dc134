/* The life of one job's token, as the statements of JobStore, LeaderStore and LeaseStore move it: checked by Spin for
 * every order in which they can meet. Jobs share no row with each other, so one job is enough.
 *
 * Every atomic block is one transaction of Postgres, or one step of a worker. What the database holds is global; so is
 * what each worker has in its memory, so that a crash can wipe it. The clock is somebody who may say at any time that a
 * deadline has passed. Budgets bound the bad luck; without a bound nobody could promise that a job ever ends.
 *
 * Run with -D<name> one of these takes a guard away, and Spin must find what it was for:
 *   COMPLETE_BY_ID     a worker completes the job whether or not there is a lease
 *   COMPLETE_ANY_LEASE ... if there is a lease, anybody's
 *   COMPLETE_ENDED     ... its own lease, but does not look whether the job still lives (state = 0)
 *   SAME_EPOCH         an assignment keeps the epoch of the one before
 *   DEAF_HEARTBEAT     a worker believes the lane alone, and does not take up what its heartbeat tells it
 *
 * -DLEADERS=2 lets two leaders lead at once. -DMISHAPS=0 leaves crashes,
 * overruns and lost messages, and nothing else, to go wrong.
 */
#ifndef LEADERS
#define LEADERS 1
#endif
#define WORKERS 2

#define MAX_FAILURES 2
#define MAX_LOSSES 2

#define WAITING 0
#define DELAYED 1
#define LEASED 2
#define NOWHERE 3

#define LIVE 0
#define SUCCEEDED 1
#define FAILED 2
#define CANCELED 3
#define EXPIRED 4

#define IDLE 0
#define RUNNING 1
#define HOLDING 2 /* ComfyUI is done; the result is to be recorded */

/* What may go wrong, and how often. */
#ifndef MISHAPS
#define MISHAPS 1
#endif
byte crashes = 1;
byte silences = MISHAPS;
byte overruns = 1;
byte releases = MISHAPS;
byte lostReplies = MISHAPS;

/* Postgres: the token, the job's end, the leases' columns. */
byte place = WAITING;
byte outcome = LIVE;
byte epoch = 0;
byte failures = 0;
byte losses = 0;
byte holder = 0;
bool flagged = false; /* lease.canceled */
bool overdue = false; /* expire_at has passed */
bool overrun = false; /* run_until has passed */

/* Postgres: the workers. An id is given once, to one start of one process. */
#define IDS 4
bool gone[IDS];
byte nextId = WORKERS;

/* The workers' memory. */
byte me[WORKERS];
byte doing[WORKERS];
byte runEpoch[WORKERS];
byte known[WORKERS]; /* the latest epoch this process has heard of */

/* Which assignment it is, counted where no statement looks: the truth that epochs are to tell apart. */
byte given = 0;
byte runGiven[WORKERS];

/* Kafka: worker id, epoch, assignment. One message is under way at most, for as long as it likes. */
chan lane0 = [1] of { byte, byte, byte };
chan lane1 = [1] of { byte, byte, byte };

#define mine(w) (place == LEASED && holder == me[w] && epoch == runEpoch[w])

inline finish(how) {
    assert(outcome == LIVE); /* an end is final */
    outcome = how
}

inline dropLease(next) {
    place = next;
    flagged = false;
    overrun = false
}

/* After the commit: sent, or lost with a leader that died in between. */
inline send(lane) {
    if
    :: true
    :: nfull(lane) -> lane!worker, sentEpoch, sentGiven
    fi
}

/* What a leader remembers between two statements is how others can get in between. */
proctype Leader() {
    byte w, worker, sentEpoch, sentGiven;
    bool chosen, unsent;
end:
    do
    /* It sees that the job waits, and that a worker is there. The workers are alike, so that the first assignment may
     * be the first one's. */
    :: atomic {
        place == WAITING && !chosen && !unsent ->
            if
            :: !gone[me[0]] -> w = 0
            :: !gone[me[1]] && epoch > 0 -> w = 1
            fi;
            worker = me[w];
            chosen = true
       }
    /* ASSIGN, whatever has become of job and worker meanwhile: only the token is asked. */
    :: atomic {
        chosen ->
            chosen = false;
            if
            :: place == WAITING && !overdue ->
                place = LEASED;
                holder = worker;
#ifdef SAME_EPOCH
                epoch = (epoch == 0 -> 1 : epoch);
#else
                epoch++;
#endif
                given++;
                sentEpoch = epoch;
                sentGiven = given;
                unsent = true
            :: else -> worker = 0; w = 0
            fi
       }
    :: atomic {
        unsent ->
            unsent = false;
            if
            :: w == 0 -> send(lane0)
            :: else -> send(lane1)
            fi;
            w = 0; worker = 0; sentEpoch = 0; sentGiven = 0
       }
    od
}

/* The leader's other duties, each one statement and with nothing to remember, so that one of them is as many as two.
 * They have their turn however much there is to assign. */
proctype Housekeeping() {
end:
    do
    /* PROMOTE */
    :: atomic { place == DELAYED && !overdue -> place = WAITING }
    /* EXPIRE */
    :: atomic { (place == WAITING || place == DELAYED) && overdue -> place = NOWHERE; finish(EXPIRED) }
    /* REAP */
    :: atomic {
        place == LEASED && (gone[holder] || overrun) ->
            if
            :: flagged -> dropLease(NOWHERE)
            :: else ->
                losses++;
                if
                :: losses >= MAX_LOSSES -> dropLease(NOWHERE); finish(FAILED)
                :: else -> dropLease(DELAYED)
                fi
            fi
       }
    od
}

inline begin(w, e, g) {
    known[w] = e;
    runEpoch[w] = e;
    runGiven[w] = g;
    doing[w] = RUNNING
}

inline idle(w) {
    doing[w] = IDLE;
    runEpoch[w] = 0;
    runGiven[w] = 0
}

/* A message, whenever it came: for me, and news, or nothing. One that is taken up and stays in the lane comes twice. */
inline hear(w, lane) {
    lane?<id, e, g>;
    if
    :: id == me[w] && e > known[w] && doing[w] == IDLE ->
        begin(w, e, g);
        if
        :: lane?id, e, g
        :: true
        fi
    :: else -> lane?id, e, g
    fi;
    id = 0; e = 0; g = 0
}

inline complete(w) {
#ifdef COMPLETE_BY_ID
    if
    :: place == LEASED -> dropLease(NOWHERE)
    :: else -> skip
    fi;
    if
    :: outcome == LIVE -> assert(runGiven[w] == given); finish(SUCCEEDED)
    :: else -> skip
    fi
#else
    if
#ifdef COMPLETE_ANY_LEASE
    :: place == LEASED ->
#else
    :: mine(w) ->
#endif
        assert(runGiven[w] == given); /* only the latest assignment ends a lease */
        dropLease(NOWHERE);
#ifdef COMPLETE_ENDED
        finish(SUCCEEDED)
#else
        if
        :: outcome == LIVE -> finish(SUCCEEDED)
        :: else -> skip
        fi
#endif
    :: else -> skip
    fi
#endif
}

proctype Worker(byte w) {
    byte id, e, g;
end:
    do
    /* the lane */
    :: atomic { w == 0 && nempty(lane0) -> hear(w, lane0) }
    :: atomic { w == 1 && nempty(lane1) -> hear(w, lane1) }
#ifndef DEAF_HEARTBEAT
    /* a heartbeat: an assignment it has not heard of */
    :: atomic {
        doing[w] == IDLE && place == LEASED && holder == me[w] && !flagged && epoch > known[w] ->
            begin(w, epoch, given)
       }
#endif
    /* a heartbeat: the lease is gone */
    :: atomic { doing[w] == RUNNING && !mine(w) -> idle(w) }
    /* a heartbeat: canceled. It stops, and gives the lease back. */
    :: atomic {
        place == LEASED && holder == me[w] && flagged && (doing[w] == IDLE || (doing[w] == RUNNING && mine(w))) ->
            dropLease(NOWHERE);
            idle(w)
       }
    /* a heartbeat: it was given up. It stops everything and registers anew. */
    :: atomic { gone[me[w]] -> me[w] = nextId; nextId++; known[w] = 0; idle(w) }
    /* RELEASE */
    :: atomic {
        releases > 0 && doing[w] == RUNNING && mine(w) && !flagged ->
            releases--;
            dropLease(WAITING);
            idle(w)
       }
    /* FAIL, with or without another attempt */
    :: atomic {
        doing[w] == RUNNING && mine(w) && !flagged ->
            assert(runGiven[w] == given);
            failures++;
            if
            :: failures < MAX_FAILURES -> dropLease(DELAYED)
            :: true -> dropLease(NOWHERE); finish(FAILED)
            fi;
            idle(w)
       }
    /* ComfyUI is done; nobody else need know yet */
    :: atomic { doing[w] == RUNNING -> doing[w] = HOLDING }
    /* COMPLETE */
    :: atomic { doing[w] == HOLDING -> complete(w); idle(w) }
    /* COMPLETE, but the answer is lost: it will be said again */
    :: atomic { doing[w] == HOLDING && lostReplies > 0 -> lostReplies--; complete(w) }
    od
}

/* CANCEL, at any time or never */
proctype Client() {
    if
    :: atomic { place == WAITING || place == DELAYED -> place = NOWHERE; finish(CANCELED) }
    :: atomic { place == LEASED && !flagged -> flagged = true; finish(CANCELED) }
    :: true
    fi
}

inline crash(w) {
    crashes--;
    gone[me[w]] = true; /* its successor registers under the same name and evicts it */
    me[w] = nextId;
    nextId++;
    known[w] = 0;
    idle(w)
}

proctype Fate() {
end:
    do
    :: atomic { crashes > 0 -> if :: crash(0) :: crash(1) fi }
    /* silent for too long, though it works on */
    :: atomic { silences > 0 && !gone[me[0]] -> silences--; gone[me[0]] = true }
    :: atomic { silences > 0 && !gone[me[1]] -> silences--; gone[me[1]] = true }
    /* the clock */
    :: atomic { overruns > 0 && place == LEASED -> overruns--; overrun = true }
    :: atomic { !overdue -> overdue = true }
    od
}

init {
    atomic {
        me[0] = 0;
        me[1] = 1;
        run Leader();
#if LEADERS > 1
        run Leader();
#endif
        run Housekeeping();
        run Worker(0);
        run Worker(1);
        run Client();
        run Fate();
        run Invariant()
    }
}

/* A job that lives has exactly one token; one that has ended has none, but for the flagged lease of a worker that is to
 * stop. Nobody sees a moment inside an atomic block. */
proctype Invariant() {
end:
    atomic { (outcome == LIVE) != (place != NOWHERE && !flagged) -> assert(false) }
}

/* Every job ends, and no lease stays. */
ltl ends { <> (outcome != LIVE && place == NOWHERE) }
