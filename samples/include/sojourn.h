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

#endif
