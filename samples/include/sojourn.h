/* What a guest may ask of the Sojourn virtual machine it runs in (docs/guest-interface.md). */
#ifndef SOJOURN_H
#define SOJOURN_H

#include <stdint.h>

#define SOJOURN_IMPORT(name) __attribute__((import_module("sojourn"), import_name(#name)))

enum {
    SOJOURN_DURABLE = 0,  /* the checkpoint is stored, and this is the run that took it */
    SOJOURN_RESTORED = 1, /* this run began from that checkpoint */
};

/* Takes a checkpoint of the whole process and returns SOJOURN_DURABLE once it is stored. A process
   that is resumed from it finds itself in the same call, which then returns SOJOURN_RESTORED.
   Otherwise the result is a negative errno: -ENOTSUP when the process has no name and so nothing of
   it is kept, -ENOSPC when the store is full, -EIO when it could not be written. */
SOJOURN_IMPORT(checkpoint) int32_t sojourn_checkpoint(void);

/* How many times this process was copied (vm import) since its program was started: it differs
   between a process and a copy of it. */
SOJOURN_IMPORT(generation) int64_t sojourn_generation(void);

/* The terminal behind a descriptor, a standard stream as a rule. Each of these fails with a
   negative errno: -ENOTTY when there is none behind it, -EBADF, -EINVAL. */

enum {
    SOJOURN_COOKED = 0, /* whole lines, shown and edited by the terminal, with keys for signals */
    SOJOURN_RAW = 1,    /* each byte at once and as it is, unseen; output is treated as before */
};

/* The size of its window: columns * 65536 + rows. Nobody is told when it changes; ask again, before
   each drawing for instance. */
SOJOURN_IMPORT(terminal_size) int64_t sojourn_terminal_size(int32_t descriptor);

/* SOJOURN_COOKED or SOJOURN_RAW. The mode is part of the process: who resumes it on a terminal
   finds that in the mode in which it was left. */
SOJOURN_IMPORT(terminal_mode) int32_t sojourn_terminal_mode(int32_t descriptor);
SOJOURN_IMPORT(set_terminal_mode)
int32_t sojourn_set_terminal_mode(int32_t descriptor, int32_t mode);

#endif
