/*
 * test_kernel_picks.c - which buffer the kernel takes, when, and how
 * much of it.
 */
#include "lent.h"

#include <stdlib.h>

/* Two reads of one source: the bytes are in the buffers named. */
static void ck_two_pieces(struct lent *l, const char *first,
                          const char *second, unsigned short bid)
{
    struct readbuf_completion done = lent_finish(l);

    ck_answer(done, (int)strlen(first), true);
    ck_assert_uint_eq(done.bid, bid);
    ck_assert_mem_eq(l->memory[bid], first, strlen(first));
    ck_assert_mem_eq(l->memory[bid] + strlen(first), second,
                     strlen(second));
}

/*
 * claim: data-names-its-buffer (5.19)
 * Bytes that were read into a picked buffer arrive with its id in the
 * upper 16 bits of the completion's flags, and the buffer has left the
 * ring.
 */
START_TEST(data_names_its_buffer)
{
    void (*const sources[])(int fd[2]) = {source_pipe, source_tcp,
                                          source_file, source_memfd};
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 4, LENT_SIZE);
    for (unsigned short i = 0; i < 4; i++) {
        sources[i](fd);
        source_say(fd, "some bytes");
        lent_read(&l, fd[0]);
        ck_two_pieces(&l, "some bytes", "", i);
    }
    ck_assert_uint_eq(l.left, 0);
}
END_TEST

START_TEST(received_data_names_its_buffer)
{
    static struct lent l;
    struct io_uring_sqe *sqe;
    struct msghdr message = {0};
    int tcp[2], local[2], udp[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 4, LENT_SIZE);
    source_tcp(tcp);
    source_unix(SOCK_STREAM, local);
    source_udp(udp);
    source_say(tcp, "by tcp");
    lent_recv(&l, tcp[0]);
    ck_two_pieces(&l, "by tcp", "", 0);
    source_say(local, "nearby");
    lent_recv(&l, local[0]);
    ck_two_pieces(&l, "nearby", "", 1);
    source_say(udp, "by udp");
    lent_recv(&l, udp[0]);
    ck_two_pieces(&l, "by udp", "", 2);
    source_say(tcp, "message");
    sqe = io_uring_get_sqe(&l.uring);
    io_uring_prep_recvmsg(sqe, tcp[0], &message, 0);
    readbuf_select(sqe, LENT_GROUP);
    ck_two_pieces(&l, "message", "", 3);
}
END_TEST

/*
 * claim: buffer-taken-whole (5.19)
 * A buffer is taken whole, however few bytes are read into it: a `len`
 * in the request limits the bytes and not the buffer.
 */
START_TEST(a_buffer_is_taken_whole)
{
    static struct lent l;
    struct io_uring_sqe *sqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 2, 8);
    source_pipe(fd);
    source_say(fd, "abcdef");
    sqe = lent_read(&l, fd[0]);
    sqe->len = 4;
    ck_two_pieces(&l, "abcd", "\0\0", 0);
    lent_read(&l, fd[0]);
    ck_two_pieces(&l, "ef", "\0\0", 1);
    ck_assert_uint_eq(l.left, 0);
}
END_TEST

/*
 * claim: length-zero-fills-buffer (6.0)
 * A `len` of 0 means as much as the picked buffer holds, and a `len`
 * that is larger than the buffer means no more than that.
 */
START_TEST(a_length_of_zero_fills_the_buffer)
{
    static struct lent l;
    struct io_uring_sqe *sqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 4, 4);
    source_unix(SOCK_STREAM, fd);
    source_say(fd, "abcdefghijklmnopqr");
    lent_read(&l, fd[0]);
    ck_two_pieces(&l, "abcd", "\0", 0);
    lent_recv(&l, fd[0]);
    ck_two_pieces(&l, "efgh", "\0", 1);
    sqe = lent_read(&l, fd[0]);
    sqe->len = 1000;
    ck_two_pieces(&l, "ijkl", "\0", 2);
    sqe = lent_recv(&l, fd[0]);
    sqe->len = 1000;
    ck_two_pieces(&l, "mnop", "\0", 3);
}
END_TEST

/*
 * claim: address-ignored (5.19)
 * The address in a request that picks a buffer is ignored.
 */
START_TEST(the_address_of_a_request_is_ignored)
{
    static struct lent l;
    static char decoy[8] = "decoy";
    struct io_uring_sqe *sqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 1, 8);
    source_pipe(fd);
    source_say(fd, "real");
    sqe = lent_read(&l, fd[0]);
    sqe->addr = (uintptr_t)decoy;
    ck_two_pieces(&l, "real", "", 0);
    ck_assert_str_eq(decoy, "decoy");
}
END_TEST

/*
 * claim: lost-selection (5.19)
 * A read or a receive that lost its selection returns 0 if its length
 * is 0, though there is data, and `EFAULT` if it is not.
 */
START_TEST(a_lost_selection_looks_like_the_end)
{
    void (*const sources[])(int fd[2]) = {source_pipe, source_tcp};
    static struct lent l;
    struct io_uring_sqe *sqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 2, 8);
    for (int i = 0; i < 4; i++) {
        sources[i / 2](fd);
        source_say(fd, "data");
        sqe = i / 2 == 0 ? lent_read(&l, fd[0]) : lent_recv(&l, fd[0]);
        sqe->len = i % 2 == 0 ? 0 : 8;
        io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
        ck_answer(lent_finish(&l), i % 2 == 0 ? 0 : -EFAULT, false);
    }
    ck_assert_uint_eq(l.left, 2);
}
END_TEST

/*
 * claim: ring-order (5.19)
 * Buffers are picked in the order in which they were added, whatever
 * their ids are: the kernel does not look at an id, and two buffers may
 * have the same.
 */
START_TEST(buffers_are_picked_in_ring_order)
{
    const unsigned short order[] = {65535, 0, 300, 300};
    static struct lent l;
    static char memory[4][8];
    int fd[2];

    NEED_LENT(&l, 0, 0);
    for (int i = 0; i < 4; i++)
        lent_entry(&l, memory[i], 2, order[i]);
    source_pipe(fd);
    source_say(fd, "aabbccdd");
    for (int i = 0; i < 4; i++) {
        struct support_cqe cqe;

        lent_read(&l, fd[0]);
        cqe = support_complete(&l.uring);
        ck_assert_int_eq(cqe.res, 2);
        ck_assert_uint_eq(readbuf_decode(2, cqe.flags).bid, order[i]);
        ck_assert_int_eq(memory[i][0], 'a' + i);
    }
}
END_TEST

/* Read a byte with every buffer of the ring, and lend them again. */
static void go_round(struct lent *l, int fd, unsigned *wrong)
{
    struct io_uring_cqe *cqe;

    for (int i = 0; i < LENT_ENTRIES; i++)
        lent_read(l, fd)->len = 1;
    ck_assert_int_eq(io_uring_submit_and_wait(&l->uring, LENT_ENTRIES),
                     LENT_ENTRIES);
    for (unsigned short bid = 0; bid < LENT_ENTRIES; bid++) {
        struct readbuf_completion done;

        ck_assert_int_eq(io_uring_peek_cqe(&l->uring, &cqe), 0);
        done = readbuf_decode(cqe->res, cqe->flags);
        io_uring_cqe_seen(&l->uring, cqe);
        if (done.res != 1 || !done.has_buffer || done.bid != bid)
            ++*wrong;
    }
    for (unsigned short bid = 0; bid < LENT_ENTRIES; bid++)
        lent_entry(l, l->memory[bid], 8, bid);
}

/*
 * claim: indices-wrap (5.19)
 * Head and tail are 16-bit counters that run on and wrap, so a ring of
 * four serves 70000 reads.
 */
START_TEST(the_indices_of_a_ring_wrap)
{
    static struct lent l;
    unsigned wrong = 0;
    int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    NEED_LENT(&l, 0, 0);
    ck_assert_int_ge(fd, 0);
    lend_first(&l, 4, 8);
    for (int reads = 0; reads < 70000; reads += LENT_ENTRIES)
        go_round(&l, fd, &wrong);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(l.buffers.shared->tail, 70004 - 65536);
    ck_assert_uint_eq(lent_left(&l), 4);
}
END_TEST

/*
 * claim: waiting-holds-no-buffer (5.19)
 * A read or a receive that waits for data holds no buffer: it picks one
 * when the data is there.
 */
START_TEST(waiting_holds_no_buffer)
{
    static struct lent l;
    int fd[2], other[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 2, 8);
    source_pipe(fd);
    source_unix(SOCK_STREAM, other);
    lent_read(&l, fd[0]);
    lent_idle(&l);
    lent_recv(&l, other[0]);
    lent_idle(&l);
    ck_assert_uint_eq(lent_left(&l), 2);
    source_say(other, "late");
    ck_two_pieces(&l, "late", "", 0);
    source_say(fd, "later");
    ck_two_pieces(&l, "later", "", 1);
}
END_TEST

/*
 * claim: worker-holds-its-buffer (5.19)
 * A request that is marked `IOSQE_ASYNC` holds a buffer from its start,
 * even while it waits.
 */
START_TEST(a_worker_holds_its_buffer)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    NEED_FEATURE(status);
    lend_first(&l, 2, 8);
    source_pipe(fd);
    lent_read(&l, fd[0])->flags |= IOSQE_ASYNC;
    lent_idle_worker(&l);
    source_say(fd, "late");
    ck_two_pieces(&l, "late", "", 0);
}
END_TEST

/*
 * With `MSG_WAITALL` a receive that has some of its bytes keeps its
 * buffer while it waits for the rest.
 */
START_TEST(waitall_holds_its_buffer)
{
    static struct lent l;
    struct io_uring_sqe *sqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 2, 8);
    source_unix(SOCK_STREAM, fd);
    sqe = lent_recv(&l, fd[0]);
    sqe->len = 6;
    sqe->msg_flags = MSG_WAITALL;
    lent_idle(&l);
    ck_assert_uint_eq(lent_left(&l), 2);
    source_say(fd, "abc");
    lent_idle(&l);
    ck_assert_uint_eq(lent_left(&l), 1);
    source_say(fd, "def");
    ck_two_pieces(&l, "abcdef", "", 0);
}
END_TEST

/*
 * `READV` picks a buffer if it is given exactly one vector, whose
 * length limits the bytes; it refuses two with `EINVAL`.
 */
START_TEST(readv_picks_for_one_vector)
{
    static struct lent l;
    struct iovec vectors[2] = {{.iov_len = 3}, {.iov_len = 3}};
    struct io_uring_sqe *sqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 2, 8);
    source_pipe(fd);
    source_say(fd, "abcdef");
    sqe = io_uring_get_sqe(&l.uring);
    io_uring_prep_readv(sqe, fd[0], vectors, 1, UINT64_MAX);
    readbuf_select(sqe, LENT_GROUP);
    ck_two_pieces(&l, "abc", "\0", 0);
    sqe = io_uring_get_sqe(&l.uring);
    io_uring_prep_readv(sqe, fd[0], vectors, 2, UINT64_MAX);
    readbuf_select(sqe, LENT_GROUP);
    ck_answer(lent_finish(&l), -EINVAL, false);
}
END_TEST

/* Receive three times through an entry; the answer doesn't change. */
static void ck_blocked(struct lent *l, int fd, int res)
{
    for (int i = 0; i < 3; i++) {
        struct support_cqe cqe;

        lent_recv(l, fd);
        cqe = support_complete(&l->uring);
        ck_answer(readbuf_decode(cqe.res, cqe.flags), res, false);
    }
}

/* A ring with one bad entry, a good one behind it, and data to come. */
static void bad_entry(struct lent *l, int fd[2], void *address,
                      unsigned len)
{
    source_unix(SOCK_STREAM, fd);
    source_say(fd, "abc");
    lent_entry(l, address, len, 0);
    lent_entry(l, l->memory[1], 8, 1);
}

/* Does this kernel take the entry whose address is 0 out of the ring?
 */
static bool takes_null_entries(struct lent *l)
{
    struct support_cqe cqe;
    int fd[2];

    bad_entry(l, fd, NULL, 8);
    lent_recv(l, fd[0]);
    cqe = support_complete(&l->uring);
    return cqe.res == -ENOBUFS && (cqe.flags & IORING_CQE_F_BUFFER) &&
           lent_left(l) == 1;
}

/*
 * claim: unusable-entry-blocks (6.10)
 * A receive does not skip an entry that it cannot use: every receive
 * fails with `EFAULT` at an address that is not mapped, fails with
 * `ENOBUFS` at an address of 0, and returns 0 bytes at a length of 0,
 * with good buffers waiting behind it.
 */
START_TEST(an_unusable_entry_blocks_the_ring)
{
    void *nowhere =
        mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const struct {
        void *address;
        unsigned len;
        int res;
    } entries[] = {
        {nowhere, 8, -EFAULT}, {nowhere, 0, 0}, {NULL, 8, -ENOBUFS}};
    int fd[2];

    for (int i = 0; i < 3; i++) {
        static struct lent l;

        NEED_LENT(&l, 0, 0);
        /* Bundles came in 6.10, with a new way to pick for receives. */
        if (entries[i].address == NULL &&
            !support_features()->bundles && takes_null_entries(&l))
            SKIP("this kernel takes an entry with an address of 0");
        bad_entry(&l, fd, entries[i].address, entries[i].len);
        ck_blocked(&l, fd[0], entries[i].res);
    }
}
END_TEST

SUITE("picks", data_names_its_buffer, received_data_names_its_buffer,
      a_buffer_is_taken_whole, a_length_of_zero_fills_the_buffer,
      the_address_of_a_request_is_ignored,
      a_lost_selection_looks_like_the_end,
      buffers_are_picked_in_ring_order, the_indices_of_a_ring_wrap,
      waiting_holds_no_buffer, a_worker_holds_its_buffer,
      waitall_holds_its_buffer, readv_picks_for_one_vector,
      an_unusable_entry_blocks_the_ring)
