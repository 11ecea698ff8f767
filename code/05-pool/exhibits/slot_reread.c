/*
 * slot_reread.c - EXHIBIT: wrong on purpose.
 *
 * The kernel has filled a bundle of buffers and named the first. Which
 * came after it? They stood one behind the other in the ring, so look
 * there. But between the picking and the looking another buffer was
 * given back, and the slot has a new tenant.
 */
#include "order.h"
#include "publisher.h"
#include "simkernel.h"

#include <stdio.h>

enum { ENTRIES = 4, SIZE = 32 };

static struct io_uring_buf slots[ENTRIES];
static struct io_uring_buf_ring *const ring = (void *)slots;
static char memory[ENTRIES][SIZE];
static struct readbuf_publisher publisher;
static struct readbuf_record records[ENTRIES];
static struct readbuf_record *last = records;

static void give(uint16_t bid)
{
    readbuf_publisher_fill(&publisher, memory[bid], SIZE, bid);
    readbuf_order_note(last, &records[bid], bid,
                       readbuf_publisher_filled(&publisher));
    readbuf_publisher_commit(&publisher);
    last = &records[bid];
}

int main(void)
{
    struct simkernel kernel;
    struct io_uring_buf bundle[2], single[2];

    simkernel_register(&kernel, ring, ENTRIES);
    readbuf_publisher_init(&publisher, ring, ENTRIES);
    for (uint16_t bid = 0; bid < ENTRIES; bid++)
        give(bid);
    simkernel_pick_bundle(&kernel, bundle, 2);
    simkernel_pick(&kernel, &single[0]);
    simkernel_pick(&kernel, &single[1]);
    printf("the bundle is buffers %u and %u\n", bundle[0].bid,
           bundle[1].bid);
    give(single[1].bid);
    give(single[0].bid);
    printf("read again from the ring, %u is followed by %u\n",
           bundle[0].bid, slots[1].bid); /* THE MISTAKE */
    printf("as it was published, %u is followed by %u\n", bundle[0].bid,
           readbuf_order_after(records, bundle[0].bid));
    return 0;
}
