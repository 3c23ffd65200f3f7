// A computation of some tenths of a second of which each step depends on all before: it fills an
// array, appends a line to a file now and then, and ends with a digest of both.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kWords = 1 << 18, kRounds = 24, kStepsPerRound = 60000 };

static uint32_t words[kWords];

static uint32_t digest_of_file(const char* name) {
    FILE* file = fopen(name, "r");
    if (file == NULL) exit(1);
    uint32_t digest = 0;
    for (int c; (c = fgetc(file)) != EOF;)
        digest = digest * 31 + (uint32_t)c;
    fclose(file);
    return digest;
}

int main(void) {
    FILE* log = fopen("ledger.log", "a");
    if (log == NULL) return 1;
    uint32_t state = 1;
    for (int round = 0; round < kRounds; round++) {
        for (int step = 0; step < kStepsPerRound; step++) {
            state = state * 1664525 + 1013904223;
            words[state >> 14] += state ^ words[step];
        }
        fprintf(log, "round %d: %08" PRIx32 "\n", round, state);
        fflush(log);
        printf("round %d\n", round);
        fflush(stdout);
    }
    fclose(log);
    uint32_t digest = 0;
    for (int i = 0; i < kWords; i++)
        digest = digest * 31 + words[i];
    printf("digest %08" PRIx32 " %08" PRIx32 "\n", digest, digest_of_file("ledger.log"));
    return 0;
}
