/*
 * probe.h - what the running kernel offers, found out by trying.
 *
 * A version number would be easier to read and often wrong: RHEL 9's
 * "5.14" has provided rings from 6.x, a container may hide any of it,
 * and fixes travel to stable kernels without a new name.
 */
#ifndef READBUF_PROBE_H
#define READBUF_PROBE_H

#include "compat.h"

#include <stdbool.h>

struct readbuf_features {
    bool rings;          /* provided buffer rings (Linux 5.19) */
    bool kernel_rings;   /* allocated by the kernel (6.4) */
    bool read_multishot; /* IORING_OP_READ_MULTISHOT (6.7) */
    bool status;         /* IORING_REGISTER_PBUF_STATUS (6.8) */
    bool bundles;        /* several buffers a receive (6.10) */
    bool incremental;    /* buffers in pieces (6.12) */
    bool min_left;       /* ... and when to stop cutting (7.1) */
};

/*
 * Fill in `features`, on an io_uring made for this and closed again.
 * 0, or the negative errno with which io_uring as such was refused
 * (readbuf_refusal turns it into a sentence); then `features` is
 * untouched. A kernel with io_uring but without provided rings is not
 * an error: `rings` is false, and so is all the rest.
 */
int readbuf_probe(struct readbuf_features *features);

#endif
