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

// Nanoseconds of processor time that `count` transfers of `bytes` took; 0 when one failed.
static uint64_t transfer(int file, uint32_t count, uint32_t bytes) {
    static unsigned char buffer[kTransferBytesMax];
    uint64_t random = 88172645463325252u;
    const uint64_t begin_ns = time_used_ns();
    for (uint32_t i = 0; i < count; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        const off_t at = (off_t)(random % (kTransferFileBytes / bytes) * bytes);
        buffer[i % bytes] = (unsigned char)i;
        const ssize_t moved =
            i % 2 == 0 ? pread(file, buffer, bytes, at) : pwrite(file, buffer, bytes, at);
        if (moved != (ssize_t)bytes) return 0;
    }
    return time_used_ns() - begin_ns;
}
