// A guest with a memory of MIB, all of it touched, that waits for a line for as long as none comes.
#include <stdio.h>
#include <stdlib.h>

#include "pages.h"

int main(int argc, char** argv) {
    const Pages pages = grown_to(argc > 1 ? strtoull(argv[1], NULL, 10) : 1);
    if (pages.count == 0) return 1;
    for (uint64_t i = 0; i < pages.count; i++)
        touch(pages, i, i);
    puts("ready");
    fflush(stdout);
    getchar();
    return 0;
}
