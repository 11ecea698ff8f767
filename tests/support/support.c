#include "support.h"

#include "refusal.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Open from before the first test, appended to by the tests' processes:
 * the file of the skips that the book reads, or a temporary one.
 */
static FILE *skips;

static FILE *open_skips(const char *prefix)
{
    char path[4096];
    FILE *file;

    if (prefix == NULL) {
        file = tmpfile();
    } else {
        snprintf(path, sizeof(path), "%s.skip", prefix);
        file = fopen(path, "w+e");
    }
    if (file == NULL) {
        perror("the list of skipped tests");
        exit(EXIT_FAILURE);
    }
    if (fcntl(fileno(file), F_SETFL, O_APPEND) < 0)
        perror("O_APPEND");
    return file;
}

/* A reason once, then the tests that it stopped. */
static int print_skips(void)
{
    char line[1024], last[1024] = "";
    int count = 0;

    if (fseek(skips, 0, SEEK_SET) != 0)
        return 0;
    while (fgets(line, sizeof(line), skips) != NULL) {
        char *reason = line + strcspn(line, "\t");

        *reason++ = '\0';
        if (strcmp(reason, last) != 0)
            printf("SKIPPED, %s", reason);
        printf("    %s\n", line);
        strcpy(last, reason);
        count++;
    }
    return count;
}

/*
 * Once, before the tests: what this machine is too short of to run them
 * all, or "". A test that fails for want of it has shown nothing.
 */
static void find_shortage(char *why, size_t size)
{
    const rlim_t locked = 8 << 20, files = 256;
    struct rlimit limit;
    struct io_uring ring;
    int ret;

    *why = '\0';
    /* ThreadSanitizer wants more of it than there is memory. */
    if (getrlimit(RLIMIT_AS, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        snprintf(why, size, "the address space is limited here");
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < files)
        snprintf(why, size, "only %llu files may be open here",
                 (unsigned long long)limit.rlim_cur);
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
        limit.rlim_cur >= locked)
        return;
    /* It counts for some users on some kernels. */
    ret = io_uring_queue_init(16384, &ring, 0);
    if (ret == 0)
        io_uring_queue_exit(&ring);
    else if (ret == -ENOMEM)
        readbuf_refusal(ret, why, size);
}

/* The failures become skips; how many there were. */
static int forgive(SRunner *runner, const char *why)
{
    int count = srunner_ntests_failed(runner);
    TestResult **failures = srunner_failures(runner);

    for (int i = 0; i < count; i++)
        support_skip(tr_tcname(failures[i]), "%s", why);
    free((void *)failures);
    return count;
}

/* A case a test, so that check can say which one is running. */
static SRunner *runner_of(const char *name, const TTest *const *tests,
                          size_t count)
{
    Suite *suite = suite_create(name);

    for (size_t i = 0; i < count; i++) {
        TCase *tcase = tcase_create(tests[i]->name);

        tcase_add_test(tcase, tests[i]);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
    }
    return srunner_create(suite);
}

int support_main(int argc, char **argv, const char *name,
                 const TTest *const *tests, size_t count)
{
    SRunner *runner = runner_of(name, tests, count);
    char tap[4096], shortage[READBUF_REFUSAL_MAX];
    int ran, failed, skipped;

    find_shortage(shortage, sizeof(shortage));
    skips = open_skips(argc > 1 ? argv[1] : NULL);
    if (argc > 1) {
        snprintf(tap, sizeof(tap), "%s.tap", argv[1]);
        srunner_set_tap(runner, tap);
    }
    srunner_run_all(runner, CK_NORMAL);
    ran = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    if (*shortage != '\0')
        failed -= forgive(runner, shortage);
    srunner_free(runner);
    skipped = print_skips();
    fclose(skips);
    printf("%s: %d passed, %d failed, %d skipped\n", name,
           ran - failed - skipped, failed, skipped);
    return ran > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Check calls the function of START_TEST(name) "name_fn". */
void support_skip(const char *test, const char *format, ...)
{
    va_list args;
    char reason[READBUF_REFUSAL_MAX];
    size_t length = strlen(test);

    if (length > 3 && strcmp(test + length - 3, "_fn") == 0)
        length -= 3;
    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    for (char *c = reason; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' '; /* a line a skip */
    fprintf(skips, "%.*s\t%s\n", (int)length, test, reason);
    fflush(skips);
}

void sandbox_missing(const char *why)
{
    support_skip(tcase_name(), "%s", why);
    exit(EXIT_SUCCESS);
}

bool support_locked_for_now(int ret, int *tries)
{
    const struct timespec pause = {.tv_nsec = 5000000};

    if (ret != -ENOMEM || ++*tries > 400)
        return false;
    nanosleep(&pause, NULL);
    return true;
}

const char *support_ring(struct io_uring *ring, unsigned entries,
                         unsigned flags)
{
    static char why[READBUF_REFUSAL_MAX];
    int ret, tries = 0;

    do
        ret = io_uring_queue_init(entries, ring, flags);
    while (support_locked_for_now(ret, &tries));
    if (ret == 0)
        return NULL;
    if (ret == -EINVAL && flags != 0)
        snprintf(why, sizeof(why),
                 "this kernel has no setup flags 0x%x", flags);
    else
        readbuf_refusal(ret, why, sizeof(why));
    return why;
}

const struct readbuf_features *support_features(void)
{
    static struct readbuf_features features;
    static bool probed;
    int tries = 0;

    while (!probed &&
           support_locked_for_now(readbuf_probe(&features), &tries))
        ;
    probed = true;
    return &features;
}

struct support_cqe support_complete(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    struct support_cqe copy;

    ck_assert_int_ge(io_uring_submit_and_wait(ring, 1), 0);
    ck_assert_int_eq(io_uring_peek_cqe(ring, &cqe), 0);
    copy = (struct support_cqe){cqe->user_data, cqe->res, cqe->flags};
    io_uring_cqe_seen(ring, cqe);
    return copy;
}

int support_as_nobody(void (*body)(void))
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgroups(0, NULL) < 0 ||
                               setgid(65534) < 0 || setuid(65534) < 0))
            _exit(EXIT_FAILURE);
        body();
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
