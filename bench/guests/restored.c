// A guest with a memory of MIB, all of it touched, that works on the first HOT_MIB of it and has a
// checkpoint taken meanwhile. Resumed from there, it says so at once, works on for SECONDS and then
// tells how many pages it visited in each millisecond.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pages.h"
#include "sojourn.h"

enum { kPagesALook = 16, kWindowsMax = 60000 };
static const uint64_t kWindowNs = 1000000;
static uint32_t visited[kWindowsMax];

static void work(Pages hot, uint64_t seconds) {
    // Coprime to a power of two: each page comes once before any comes again.
    const uint64_t step = (hot.count * 5 / 8) | 1;
    const uint64_t windows = seconds * 1000 < kWindowsMax ? seconds * 1000 : kWindowsMax;
    const uint64_t begin_ns = clock_ns();
    uint64_t page = 0;
    for (;;) {
        const uint64_t window = (clock_ns() - begin_ns) / kWindowNs;
        if (window >= windows) break;
        for (int i = 0; i < kPagesALook; i++) {
            visit(hot, page);
            page = (page + step) % hot.count;
        }
        visited[window] += kPagesALook;
    }
    for (uint64_t window = 0; window < windows; window++)
        printf("visited %" PRIu32 "\n", visited[window]);
}

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const Pages all = grown_to(strtoull(argv[1], NULL, 10));
    Pages hot = all;
    hot.count = strtoull(argv[2], NULL, 10) * 256;
    if (hot.count == 0 || hot.count > all.count) return 1;
    for (uint64_t i = 0; i < all.count; i++)
        fill_with_text(all, i);
    for (uint64_t i = 0; i < hot.count; i++)
        visit(hot, i);

    if (sojourn_checkpoint() != SOJOURN_RESTORED) {
        puts("durable");
        fflush(stdout);
        getchar();  // until whoever measures is gone
        return 0;
    }
    puts("resumed");
    fflush(stdout);
    work(hot, strtoull(argv[3], NULL, 10));
    return 0;
}
