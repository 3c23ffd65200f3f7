// Writes all of a memory of MIB, then visits pages of its first HOT_MIB for SECONDS, one after the
// other or at random, and tells how many a second.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"

int main(int argc, char** argv) {
    if (argc != 5) return 2;
    const Pages all = grown_to(strtoull(argv[1], NULL, 10));
    Pages hot = all;
    hot.count = strtoull(argv[2], NULL, 10) * 256;
    if (hot.count > all.count) hot.count = all.count;
    if (hot.count == 0) return 1;
    for (uint64_t i = 0; i < all.count; i++)
        fill_with_text(all, i);
    const int is_random = strcmp(argv[3], "random") == 0;
    const uint64_t visits = visits_a_second(hot, is_random, strtoull(argv[4], NULL, 10));
    printf("visits %" PRIu64 "\n", visits);
    return 0;
}
