// A walk over all of a memory, for both widths of addresses.
#include <stddef.h>
#include <stdint.h>

enum { kWasmPageBytes = 65536 };

typedef struct Walk {
    uint64_t pages;   // that the memory has in the end
    uint64_t stride;  // in bytes
    uint64_t places;  // visited
    uint64_t digest;
} Walk;

static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static volatile uint64_t* at(uint64_t address) {
    return (volatile uint64_t*)(uintptr_t)address;
}

// Grows the memory, writes a number at every stride of what it grew by and into the last bytes of
// all, and reads them again. False when the memory does not grow or holds something else.
static int do_walk(Walk* walk) {
    const uint64_t pages_before = __builtin_wasm_memory_size(0);
    const size_t grown = __builtin_wasm_memory_grow(0, (size_t)(walk->pages - pages_before));
    if (grown != pages_before) return 0;
    const uint64_t begin = pages_before * kWasmPageBytes;
    const uint64_t last = walk->pages * kWasmPageBytes - sizeof(uint64_t);
    for (uint64_t address = begin; address < last; address += walk->stride)
        *at(address) = mixed(address);
    *at(last) = mixed(last);

    for (uint64_t address = begin; address < last; address += walk->stride) {
        const uint64_t found = *at(address);
        if (found != mixed(address)) return 0;
        walk->digest = walk->digest * 31 + found;
        walk->places++;
    }
    walk->digest = walk->digest * 31 + *at(last);
    return *at(last) == mixed(last);
}
