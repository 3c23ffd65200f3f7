// A computation of some tenths of a second of which each step depends on all before: it changes an
// array all over, appends a line to a file now and then, and ends with a digest of both.
//
//   ledger [MIB]    the array's size, 1 unless given
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { kWordsPerMib = 1 << 18, kRounds = 400, kStepsPerRound = 60000 };

static uint64_t state = 1;

static uint32_t next_random(void) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 32);
}

static uint32_t digest_of_file(const char* name) {
    FILE* file = fopen(name, "r");
    if (file == NULL) exit(1);
    uint32_t digest = 0;
    for (int c; (c = fgetc(file)) != EOF;)
        digest = digest * 31 + (uint32_t)c;
    fclose(file);
    return digest;
}

int main(int argc, char** argv) {
    const uint32_t count = (uint32_t)(argc > 1 ? atoi(argv[1]) : 1) * kWordsPerMib;
    uint32_t* words = malloc(count * sizeof(uint32_t));
    // Emptied first: a checkpoint from before it was opened knows nothing of its length.
    FILE* log = fopen("ledger.log", "w");
    if (words == NULL || log == NULL) return 1;
    fclose(log);
    log = fopen("ledger.log", "a");
    if (log == NULL) return 1;

    for (uint32_t i = 0; i < count; i++)
        words[i] = next_random();
    for (int round = 0; round < kRounds; round++) {
        for (uint32_t step = 0; step < kStepsPerRound; step++)
            words[next_random() % count] += words[step];
        fprintf(log, "round %d: %08" PRIx32 "\n", round, words[0]);
        fflush(log);
        printf("round %d\n", round);
        fflush(stdout);
    }
    fclose(log);
    uint32_t digest = 0;
    for (uint32_t i = 0; i < count; i++)
        digest = digest * 31 + words[i];
    printf("digest %08" PRIx32 " %08" PRIx32 "\n", digest, digest_of_file("ledger.log"));
    return 0;
}
