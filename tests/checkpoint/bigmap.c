// Walks over a memory: bigmap [PAGES STRIDE], pages of 64 KiB.
#include "bigmap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
    Walk walk = {.pages = 16, .stride = 16384};
    if (argc > 1) walk.pages = strtoull(argv[1], NULL, 10);
    if (argc > 2) walk.stride = strtoull(argv[2], NULL, 10);
    if (!do_walk(&walk)) return 1;
    printf("pages %" PRIu64 "\nplaces %" PRIu64 "\ndigest %016" PRIx64 "\n",
           (uint64_t)__builtin_wasm_memory_size(0), walk.places, walk.digest);
    return 0;
}
