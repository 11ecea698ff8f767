/*
 * gate.pml - USERS threads give back a buffer each, at one gate, while
 * the owner sleeps, wakes, asks, and at last closes the pool.
 *
 * MISTAKE=0: none; 1: leaves past the sleeper; 2: leaves past the
 * stack; 3: sleeps without a second look; 4: judges whether it is time
 * without the sleeper's bit in hand; 5: wakes him after leaving.
 * TSO=1: a compare-and-swap that fails shows the stores before it, as
 * one that succeeds does; so it is on x86.
 *
 * Not in the model: the pauses before a push, counts that wrap, and
 * buffers that are lent again.
 */
#define INSIDE 1 /* in the word: somebody is inside */
#define ASLEEP 2 /* the owner sleeps and wants to be woken */
#define AGAIN 4  /* settle once more */
#define TOP 8    /* word / TOP is the top of the stack, 0 for none */

/* The pool. Whoever touches it says POOL: it must not be freed yet. */
#define POOL assert(!freed)
byte word, next[USERS + 1]; /* the gate, and the links of its stack */
byte tail;    /* buffers published, to whoever is inside */
byte shown;   /* the same to all others, who may see it later */
byte wake_at; /* the count at which the owner wants to be woken */
bool event;   /* the eventfd has been written */
bool closed;

/* What only the judge knows. */
bool freed, occupied, sleeping;
byte given;       /* buffers carried in or left at the gate */
byte ring[USERS + 1]; /* how often a buffer was published */
bool asked;       /* the owner asked, and no one has settled since */

mtype = { userC, userB, userA, owner }; /* owner is 1, process 0 */
#define WHO (_pid + 1)
#define LOCALS byte seen, chain, hand; bool swapped, late

inline enter() {
    assert(!occupied);
    occupied = true;
    word = word | INSIDE
}

/* With a buffer, or with 0 to ask. Let in, unless seen & INSIDE. */
inline pass(buffer) {
    do
    :: d_step {
           POOL;
           seen = word;
           next[buffer] = (seen & INSIDE && buffer -> seen / TOP : 0)
       };
       d_step { /* compare and swap */
           POOL;
           swapped = (word == seen);
           if
           :: swapped && !(seen & INSIDE) ->
              enter();
              printf("%e   enters   with buffer %d\n", WHO, buffer)
           :: swapped && seen & INSIDE && buffer ->
              word = seen % TOP + buffer * TOP;
              printf("%e   pushes   buffer %d, goes\n", WHO, buffer)
           :: swapped && seen & INSIDE && !buffer ->
              word = seen | AGAIN;
              printf("%e   asks     for a turn more, goes\n", WHO)
           :: else
           fi;
           given = given + (swapped && buffer);
           asked = asked || (swapped && !buffer)
       };
       if
       :: swapped -> break
       :: else
       fi
    od
}

/* Stores the tail. When that is seen, the memory decides. */
inline settle() {
    d_step {
        POOL;
        asked = false;
        if
        :: chain ->
           do
           :: chain -> ring[chain]++; assert(ring[chain] == 1);
                       tail++; chain = next[chain]
           :: else -> break
           od;
           printf("%e   stores   tail = %d\n", WHO, tail)
        :: else
        fi
    }
}

/* The last that is done inside: all others see the tail before it. */
inline swap_out(expected, rest) { /* compare and swap, if it succeeds */
    d_step {
        expected && shown == tail;
        POOL;
        word = rest;
        occupied = false;
        printf("%e   leaves\n", WHO)
    }
}

inline exchange() {
    d_step { shown == tail; POOL; hand = word - INSIDE; word = INSIDE }
}

inline put_back() {
    d_step { POOL; word = word | ASLEEP }
}

inline wake() {
    d_step { printf("%e   wakes    the owner\n", WHO);
             POOL; event = true }
}

/* Right, or one of the mistakes. */
#if MISTAKE == 2
#define MAY_LEAVE (!(word & ASLEEP))
#else
#define MAY_LEAVE (word == INSIDE)
#endif
#if MISTAKE == 1
#define DUE false
#else
#define DUE (tail >= wake_at)
#endif
#if MISTAKE == 5
#define WAKE late = true
#else
#define WAKE wake()
#endif
#if TSO
#define CAS_FAILED (shown == tail)
#else
#define CAS_FAILED true
#endif

/* Out, with nothing in hand, or inside still, with work in hand. */
inline leave() {
    do
    :: swap_out(MAY_LEAVE, 0); break
#if MISTAKE == 4
    :: d_step { word == INSIDE + ASLEEP && !DUE && CAS_FAILED ->
                printf("%e   reads    %d, too early\n", WHO, wake_at) };
       if
       :: swap_out(word == INSIDE + ASLEEP, ASLEEP); break
       :: word != INSIDE + ASLEEP
       fi
#endif
    :: !MAY_LEAVE && CAS_FAILED ->
       exchange();
       if
       :: !(hand & ASLEEP)
       :: hand & ASLEEP && DUE -> WAKE
       :: hand == ASLEEP && !DUE ->
          if
          :: swap_out(word == INSIDE, ASLEEP); hand = 0; break
          :: word != INSIDE -> put_back()
          fi
       :: hand > ASLEEP && hand & ASLEEP && !DUE -> put_back()
       fi;
       hand = hand & ~ASLEEP;
       if
       :: hand -> break
       :: else
       fi
    od
}

/* Who is inside when the last buffer is back frees a closed pool. */
inline work(buffer) {
    chain = buffer;
    do
    :: settle();
       if
       :: closed && tail == USERS ->
          d_step {
              POOL;
              assert(word / TOP == 0);
              freed = true;
              printf("%e   frees    the pool\n", WHO)
          }
       :: else -> leave()
       fi;
       if
       :: hand -> chain = hand / TOP; hand = 0
       :: else -> break
       fi
    od;
#if MISTAKE == 5
    if
    :: late -> wake()
    :: else
    fi
#endif
}

/* Until one or two more buffers are back, or something else comes. */
inline sleep() {
    d_step {
        shown < USERS; /* while there is something to wait for */
        seen = shown;
        printf("owner   reads    tail = %d\n", seen)
    };
    if
    :: wake_at = seen + 1
    :: seen + 2 <= USERS -> wake_at = seen + 2
    fi;
    d_step {
        word = word | ASLEEP;
        printf("owner   asks     to be woken at %d\n", wake_at)
    };
    if
    :: d_step {
           shown >= wake_at && MISTAKE != 3;
           printf("owner   reads    tail = %d, stays awake\n", shown)
       }
    :: d_step {
           shown < wake_at || MISTAKE == 3;
           sleeping = true;
           printf("owner   sleeps\n")
       };
       d_step {
           sleeping = false;
           event = false;
           printf("owner   wakes\n")
       }
    fi;
    d_step { word = word & ~ASLEEP; seen = 0 }
}

active proctype the_owner() {
    LOCALS;
    if /* asks once, or not at all */
    :: pass(0);
       if
       :: seen & INSIDE
       :: else -> work(0)
       fi
    :: skip
    fi;
    seen = 0;
    do
    :: sleep()
    :: d_step {
           !(word & INSIDE); /* only who closes waits for the gate */
           enter();
           closed = true;
           printf("owner   closes   the pool\n")
       };
       work(0);
       break
    od
}

active [USERS] proctype user() {
    LOCALS;
    pass(_pid);
    if
    :: seen & INSIDE
    :: else -> seen = 0; work(_pid)
    fi;
    seen = 0
}

/* A store comes out whenever it likes. */
active proctype memory() {
end: /* waiting here for ever is no deadlock */
    do
    :: d_step { shown != tail; shown = tail;
                printf("memory  shows    tail = %d\n", shown) }
    od
}

/* Looks at every moment. With mistake 5 the wake-up is on its way. */
active proctype judge() {
    if
    :: d_step {
           !(word & INSIDE) && tail != given;
           printf("judge   finds    %d of %d stored, no one inside\n",
                  tail, given);
           assert(false)
       }
    :: d_step {
           !(word & INSIDE) && asked;
           printf("judge   finds    no turn more, no one inside\n");
           assert(false)
       }
    :: d_step {
           !(word & INSIDE) && sleeping && shown >= wake_at && !event &&
           MISTAKE != 5;
           printf("judge   finds    %d reached, no one inside\n",
                  wake_at);
           assert(false)
       }
    :: timeout -> assert(freed && tail == USERS) /* the end */
    fi
}
