// A computation of a second that touches nothing outside, tells of each round and ends with a
// digest.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

enum { kWords = 1 << 15, kRounds = 240, kStepsPerRound = 1 << 17 };

static uint32_t words[kWords];

int main(void) {
    uint64_t state = 1;
    for (int round = 0; round < kRounds; round++) {
        for (uint32_t step = 0; step < kStepsPerRound; step++) {
            state = state * 6364136223846793005 + 1442695040888963407;
            words[(state >> 32) % kWords] += (uint32_t)(state >> 40) + words[step % kWords];
        }
        printf("round %d\n", round);
        fflush(stdout);
    }
    uint32_t digest = 0;
    for (uint32_t i = 0; i < kWords; i++)
        digest = digest * 31 + words[i];
    printf("digest %08" PRIx32 "\n", digest);
    return 0;
}
