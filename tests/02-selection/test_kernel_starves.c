/*
 * test_kernel_starves.c - ENOBUFS: when it comes, what it hides, and
 * what else it can mean.
 */
#include "lent.h"

#include <linux/netlink.h>

/*
 * claim: starved-at-once (5.19)
 * With an empty ring a read or a receive fails at once with `ENOBUFS`,
 * even if there is nothing to read yet.
 */
START_TEST(an_empty_ring_fails_at_once)
{
    static struct lent l;
    struct readbuf_completion done;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    source_unix(SOCK_STREAM, fd);
    lent_read(&l, fd[0]);
    done = lent_finish(&l);
    ck_answer(done, -ENOBUFS, false);
    ck_assert_int_eq(done.outcome, READBUF_GOT_STARVED);
    lent_recv(&l, fd[0]);
    ck_answer(lent_finish(&l), -ENOBUFS, false);
}
END_TEST

/*
 * claim: starving-loses-no-bytes (5.19)
 * What could not be read for want of a buffer stays in the file or the
 * socket, and the next read gets it.
 */
START_TEST(starving_loses_no_bytes)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    source_unix(SOCK_STREAM, fd);
    source_say(fd, "kept");
    lent_recv(&l, fd[0]);
    ck_answer(lent_finish(&l), -ENOBUFS, false);
    lend(&l, 0, 8);
    lent_recv(&l, fd[0]);
    ck_answer(lent_finish(&l), 4, true);
    ck_assert_mem_eq(l.memory[0], "kept", 4);
}
END_TEST

/*
 * claim: poll-first-starves-late (5.19)
 * With `IORING_RECVSEND_POLL_FIRST` a receive asks the ring only when
 * there is something to receive, so it can wait with an empty ring.
 */
START_TEST(poll_first_starves_late)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    source_unix(SOCK_STREAM, fd);
    lent_recv(&l, fd[0])->ioprio = IORING_RECVSEND_POLL_FIRST;
    lent_idle(&l);
    source_say(fd, "data");
    ck_answer(lent_finish(&l), -ENOBUFS, false);
    lend(&l, 0, 4);
    lent_recv(&l, fd[0]);
    ck_answer(lent_finish(&l), 4, true);
    lent_recv(&l, fd[0])->ioprio = IORING_RECVSEND_POLL_FIRST;
    lent_idle(&l);
    lend(&l, 1, 4);
    source_say(fd, "more");
    ck_answer(lent_finish(&l), 4, true);
}
END_TEST

/*
 * A receive that was accepted while there were buffers fails with
 * `ENOBUFS` if others have taken them by the time its data comes.
 */
START_TEST(a_waiting_receive_can_starve)
{
    static struct lent l;
    int fd[2], other[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 1, 8);
    source_unix(SOCK_STREAM, fd);
    source_unix(SOCK_STREAM, other);
    lent_recv(&l, fd[0]);
    lent_idle(&l);
    source_say(other, "first");
    lent_recv(&l, other[0]);
    ck_answer(lent_finish(&l), 5, true);
    source_say(fd, "second");
    ck_answer(lent_finish(&l), -ENOBUFS, false);
}
END_TEST

/*
 * claim: unknown-group-starves (5.19)
 * A group that is not registered is reported as `ENOBUFS` too.
 */
START_TEST(an_unknown_group_looks_like_an_empty_ring)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    lend_first(&l, 1, 8);
    source_unix(SOCK_STREAM, fd);
    source_say(fd, "data");
    lent_recv(&l, fd[0])->buf_group = LENT_GROUP + 1;
    ck_answer(lent_finish(&l), -ENOBUFS, false);
    lent_read(&l, fd[0])->buf_group = LENT_GROUP + 1;
    ck_answer(lent_finish(&l), -ENOBUFS, false);
}
END_TEST

/*
 * claim: starving-breaks-links (5.19)
 * `ENOBUFS` breaks a chain of linked requests: the next one completes
 * with `ECANCELED`.
 */
START_TEST(starving_breaks_a_chain)
{
    static struct lent l;
    struct support_cqe cqe;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    source_unix(SOCK_STREAM, fd);
    lent_recv(&l, fd[0])->flags |= IOSQE_IO_LINK;
    io_uring_prep_nop(io_uring_get_sqe(&l.uring));
    cqe = support_complete(&l.uring);
    ck_assert_int_eq(cqe.res, -ENOBUFS);
    cqe = support_complete(&l.uring);
    ck_assert_int_eq(cqe.res, -ECANCELED);
}
END_TEST

/*
 * A socket whose next error is ENOBUFS: the kernel's answers to our
 * questions are more than its receive buffer holds. Needs no privilege:
 * the questions are refused, and the refusals are what fills it.
 */
static int overrun_netlink(void)
{
    struct nlmsghdr question = {.nlmsg_len = sizeof(question),
                                .nlmsg_type = NLMSG_MIN_TYPE,
                                .nlmsg_flags =
                                    NLM_F_REQUEST | NLM_F_ACK};
    int small = 1, error = 0;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 100; i++)
        if (send(fd, &question, sizeof(question), MSG_DONTWAIT) < 0)
            error = errno;
    ck_assert_int_eq(error, 0);
    return fd;
}

/*
 * claim: enobufs-of-a-socket (5.19)
 * `ENOBUFS` can be the socket's own error: a netlink socket whose
 * receive queue ran over answers it while the ring is full of buffers.
 */
START_TEST(enobufs_can_be_the_sockets_own)
{
    static struct lent l;
    int fd = overrun_netlink();

    NEED_LENT(&l, 0, 0);
    if (fd < 0)
        SKIP("no netlink sockets here: %s", strerror(errno));
    lend_first(&l, 2, LENT_SIZE);
    lent_recv(&l, fd);
    ck_answer(lent_finish(&l), -ENOBUFS, false);
    ck_assert_uint_eq(l.left, 2);
    lent_recv(&l, fd);
    ck_assert_int_eq(lent_finish(&l).outcome, READBUF_GOT_DATA);
}
END_TEST

/* The outcome says starved, and the buffer is there to be returned. */
START_TEST(enobufs_of_a_socket_can_even_take_a_buffer)
{
    static struct lent l;
    int fd = overrun_netlink();

    NEED_LENT(&l, 0, 0);
    if (fd < 0)
        SKIP("no netlink sockets here: %s", strerror(errno));
    lend_first(&l, 2, LENT_SIZE);
    lent_recv(&l, fd)->flags |= IOSQE_ASYNC;
    ck_answer(lent_finish(&l), -ENOBUFS, true);
    ck_assert_uint_eq(l.left, 1);
}
END_TEST

SUITE("starves", an_empty_ring_fails_at_once, starving_loses_no_bytes,
      poll_first_starves_late, a_waiting_receive_can_starve,
      an_unknown_group_looks_like_an_empty_ring,
      starving_breaks_a_chain, enobufs_can_be_the_sockets_own,
      enobufs_of_a_socket_can_even_take_a_buffer)
