/*
 * ledger.c - records on pages that a child of fork gets empty.
 */
#include "ledger.h"
#include "kept_errno.h"

#include <stddef.h>
#include <sys/mman.h>

static size_t bytes_of(uint32_t count)
{
    return offsetof(struct readbuf_ledger, records) +
           count * (sizeof(struct readbuf_record) + sizeof(uint16_t));
}

/*
 * Wiping needs Linux 4.14, so only a sandbox can refuse it. Then a
 * child is not stopped, and everything else is as it should be.
 */
struct readbuf_ledger *readbuf_ledger_map(uint32_t count)
{
    size_t bytes = bytes_of(count);
    int saved = readbuf_errno();
    struct readbuf_ledger *ledger =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (ledger != MAP_FAILED) {
        madvise(ledger, bytes, MADV_WIPEONFORK);
        ledger->ours = 1;
    }
    readbuf_errno_restore(saved);
    return ledger == MAP_FAILED ? NULL : ledger;
}

void readbuf_ledger_unmap(struct readbuf_ledger *ledger, uint32_t count)
{
    munmap(ledger, bytes_of(count));
}

uint16_t *readbuf_ledger_numbers(struct readbuf_ledger *ledger,
                                 uint32_t count)
{
    return (uint16_t *)(void *)&ledger->records[count];
}
