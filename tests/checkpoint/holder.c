// Holds memory of all kinds (noise, text, zeros, never touched), waits for a line, changes some of
// it, waits for another, and prints a digest of all of it.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kPageBytes = 4096, kWords = kPageBytes / sizeof(uint32_t) };

static uint32_t next(uint32_t* state) {
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

static void fill(uint32_t* page, uint32_t kind, uint32_t seed) {
    for (int word = 0; word < kWords; word++) {
        if (kind == 0) page[word] = next(&seed);
        if (kind == 1) page[word] = seed;
    }
}

static void wait_for_line(const char* what) {
    puts(what);
    fflush(stdout);
    int c = getchar();
    while (c != EOF && c != '\n')
        c = getchar();
}

int main(int argc, char** argv) {
    const uint32_t pages = argc > 1 ? (uint32_t)atol(argv[1]) : 64;
    uint32_t* memory = calloc(pages, kPageBytes);
    if (memory == NULL) return 1;
    for (uint32_t page = 0; page < pages; page++)
        fill(memory + page * kWords, page % 4, page + 1);
    wait_for_line("filled");
    for (uint32_t page = 0; page < pages; page += 3)
        fill(memory + page * kWords, page % 4, page + 7);
    wait_for_line("changed");

    uint32_t digest = 0;
    for (uint32_t word = 0; word < pages * kWords; word++)
        digest = digest * 31 + memory[word];
    printf("digest %08" PRIx32 "\n", digest);
    return 0;
}
