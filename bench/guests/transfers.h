// What a program that works with files does: reads and writes at random places of one file, in
// turns. The guest and its native peer are made of this.
#pragma once

#include <stdint.h>
#include <time.h>
#include <unistd.h>
#ifdef __wasi__
#include <wasi/api.h>
#endif

enum { kTransferFileBytes = 64 << 20, kTransferBytesMax = 65536 };

// Processor time, so that a busy machine does not matter.
static uint64_t time_used_ns(void) {
#ifdef __wasi__
    __wasi_timestamp_t used = 0;
    return __wasi_clock_time_get(__WASI_CLOCKID_PROCESS_CPUTIME_ID, 1, &used) == 0 ? used : 0;
#else
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
#endif
}

// Moves `bytes` at `at`, to the buffer or from it; whether it could.
typedef int Move(void* with, int reads, void* buffer, uint32_t bytes, uint64_t at);

// Nanoseconds of processor time that `count` transfers of `bytes` took; 0 when one failed.
static inline uint64_t transfer_by(Move* move, void* with, uint32_t count, uint32_t bytes) {
    static unsigned char buffer[kTransferBytesMax];
    uint64_t random = 88172645463325252u;
    const uint64_t begin_ns = time_used_ns();
    for (uint32_t i = 0; i < count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        buffer[i % bytes] = (unsigned char)i;
        const uint64_t at = random % (kTransferFileBytes / bytes) * bytes;
        if (!move(with, i % 2 == 0, buffer, bytes, at)) return 0;
    }
    return time_used_ns() - begin_ns;
}

static inline int move_bare(void* with, int reads, void* buffer, uint32_t bytes, uint64_t at) {
    const int file = *(const int*)with;
    const ssize_t moved =
        reads ? pread(file, buffer, bytes, (off_t)at) : pwrite(file, buffer, bytes, (off_t)at);
    return moved == (ssize_t)bytes;
}
