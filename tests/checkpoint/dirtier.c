// Changes so many mebibytes of its memory, page by page: dirtier MEBIBYTES
#include <stdio.h>
#include <stdlib.h>

enum { kPageBytes = 4096, kPages = 4096 };

static volatile unsigned char memory[kPages * kPageBytes];

int main(int argc, char** argv) {
    const unsigned long mebibytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 64;
    unsigned long digest = 0;
    for (unsigned long page = 0; page < mebibytes * (1 << 20) / kPageBytes; page++) {
        volatile unsigned char* bytes = memory + page % kPages * kPageBytes;
        // Some time a page, so that nothing is over before anybody looks.
        for (unsigned i = 0; i < kPageBytes; i += 4)
            bytes[i] = (unsigned char)(page + i);
        digest = digest * 31 + bytes[page % kPageBytes];
    }
    printf("digest %08lx\n", digest & 0xffffffff);
    return 0;
}
