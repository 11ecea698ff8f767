/*
 * ledger.c - numbers on pages that a child of fork gets empty.
 */
#include "ledger.h"
#include "kept_errno.h"

#include <stddef.h>
#include <sys/mman.h>

static size_t bytes_of(uint32_t count)
{
    return offsetof(struct readbuf_ledger, loans) +
           count * sizeof(_Atomic uint32_t);
}

/*
 * Wiping needs Linux 4.14, so only a sandbox can refuse it. Then a
 * child is not stopped, and everything else is as it should be.
 */
static void *map_wiped_on_fork(size_t bytes)
{
    int saved = readbuf_errno();
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory != MAP_FAILED)
        madvise(memory, bytes, MADV_WIPEONFORK);
    readbuf_errno_restore(saved);
    return memory == MAP_FAILED ? NULL : memory;
}

/* Spread evenly over all numbers, like the hours over a dial. */
struct readbuf_ledger *readbuf_ledger_map(uint32_t count)
{
    uint32_t apart = (uint32_t)((UINT64_C(1) << 32) / count);
    struct readbuf_ledger *ledger = map_wiped_on_fork(bytes_of(count));

    if (ledger == NULL)
        return NULL;
    ledger->ours = 1;
    for (uint32_t bid = 0; bid < count; bid++)
        atomic_init(&ledger->loans[bid], bid * apart);
    return ledger;
}

void readbuf_ledger_unmap(struct readbuf_ledger *ledger, uint32_t count)
{
    munmap(ledger, bytes_of(count));
}
