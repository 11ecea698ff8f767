/*
 * publication.pml - readbuf_publish on a processor that keeps stores
 * back and lets them out in an order of its own.
 *
 * RELEASE=1: the tail is a store-release; 0: a store like any other.
 * TSO=1: stores come out in the order they were made, as on x86.
 */
#define N 2    /* slots of the ring */
#define M 4    /* where the tail wraps; 65536 in the real ring */
#define LAST 7 /* publications: the slots are reused, the tail wraps */

/* The ring's words, by number. Promela counts from the last name: */
mtype = { tail, bid1, bid0, addr1, addr0 } /* addr0 1, ..., tail 5 */
byte memory[6]; /* by word, what the kernel would see; 0 at first */
byte consumed;  /* descriptors used up, as completions tell it */

/*
 * Stores nobody has seen yet. A lane keeps its order; two lanes know
 * nothing of each other. A lane for each word is a weak memory, a
 * single one for all words is x86.
 */
#if TSO
#define LANE(word) 0
#else
#define LANE(word) word
#endif
chan lane[6] = [6] of { byte, byte }; /* word, value */
byte kept; /* stores in all the lanes */

inline store(word, value) {
    d_step { lane[LANE(word)] ! word, value; kept++;
             printf("app     stores   %e = %d\n", word, value) }
}

/* One of these for each lane: lets a store out whenever it likes. */
active [6] proctype drain() {
    byte word, value;
end: /* waiting here for ever is no deadlock */
    do
    :: d_step { lane[_pid] ? word, value; kept--;
                memory[word] = value;
                printf("memory  shows    %e = %d\n", word, value) }
    od
}

/* Descriptor d carries the number d in both of its fields. */
active proctype application() {
    byte d;
    for (d : 1 .. LAST) {
        d - consumed <= N; /* waits until there is room */
        store(addr0 + (d - 1) % N, d);
        store(bid0 + (d - 1) % N, d);
#if RELEASE
        kept == 0; /* waits until all earlier stores are out */
#endif
        store(tail, d % M)
    }
}

/* The reads stay in this order: the load of the tail is an acquire. */
inline read(word, value) {
    d_step { value = memory[word];
             printf("kernel  reads    %e = %d\n", word, value) }
}

active proctype kernel() {
    byte d, a, b, head;
    for (d : 1 .. LAST) {
        d_step { memory[tail] != head; /* waits for a descriptor */
                 printf("kernel  loads    tail = %d\n", memory[tail]) }
        read(addr0 + head % N, a);
        read(bid0 + head % N, b);
        d_step { printf("kernel  expects  %d in both\n", d);
                 assert(a == d && b == d) }
        d_step { head = (head + 1) % M; consumed++ }
    }
}
