/*
 * sandbox.h - be refused, on purpose.
 *
 * A seccomp filter answers a system call with an errno of our choice,
 * for this process and its children, for good: what containers do, and
 * a way to make one step of many fail.
 */
#ifndef READBUF_TESTS_SANDBOX_H
#define READBUF_TESTS_SANDBOX_H

/* io_uring_setup(2) fails with `error`. */
void sandbox_refuse_setup(int error);

/* io_uring_register(2) fails with `error` for this opcode. */
void sandbox_refuse_register(unsigned opcode, int error);

/* The system call of this number fails with `error`. */
void sandbox_refuse_call(unsigned number, int error);

/*
 * Called where there is no seccomp, as under qemu-user: the test ends
 * as one that could not run here. Defined by the program.
 */
_Noreturn void sandbox_missing(const char *why);

/* Any system call but the one that ends the process kills it. */
void sandbox_kill_on_any_call(void);

#endif
