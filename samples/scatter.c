// A heap of incompressible pages of which a part is rewritten on demand, for measuring what a
// checkpoint writes: scatter [--mebibytes N] (default 256)
//
// Reads one word a line and answers each with one line:
//   contiguous  rewrites 1 % of the pages, side by side
//   scattered   rewrites 1 % of the pages, each at a place of its own all over the heap
//   digest      says what the heap holds
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kPageBytes = 4096, kWordsPerPage = kPageBytes / 8 };

static uint64_t random_state = 0x2545f4914f6cdd1d;

static uint64_t next_random(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void rewrite(uint64_t* heap, size_t page) {
    uint64_t* words = heap + page * kWordsPerPage;
    for (size_t i = 0; i < kWordsPerPage; i++)
        words[i] = next_random();
}

static void answer(const char* what, size_t pages) {
    printf("%s %zu pages\n", what, pages);
    fflush(stdout);
}

int main(int argc, char** argv) {
    size_t mebibytes = 256;
    if (argc == 3 && strcmp(argv[1], "--mebibytes") == 0) mebibytes = strtoul(argv[2], NULL, 10);
    const size_t page_count = mebibytes * (1 << 20) / kPageBytes;
    const size_t change_count = page_count / 100;
    uint64_t* heap = aligned_alloc(kPageBytes, page_count * kPageBytes);
    if (heap == NULL) return 1;
    for (size_t page = 0; page < page_count; page++)
        rewrite(heap, page);
    answer("filled", page_count);

    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "contiguous\n") == 0) {
            const size_t first = next_random() % (page_count - change_count);
            for (size_t i = 0; i < change_count; i++)
                rewrite(heap, first + i);
            answer("contiguous", change_count);
        } else if (strcmp(line, "scattered\n") == 0) {
            // One page out of each hundred, so that no two are the same.
            for (size_t i = 0; i < change_count; i++)
                rewrite(heap, i * 100 + next_random() % 100);
            answer("scattered", change_count);
        } else if (strcmp(line, "digest\n") == 0) {
            uint64_t digest = 0;
            for (size_t i = 0; i < page_count * kWordsPerPage; i++)
                digest = digest * 31 + heap[i];
            printf("digest %016llx\n", (unsigned long long)digest);
            fflush(stdout);
        }
    }
    return 0;
}
