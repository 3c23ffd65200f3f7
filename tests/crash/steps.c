// A computation in steps of which each depends on all before: it changes an array all over and
// takes a checkpoint of itself. Half way it waits for its input to end.
//
//   steps COUNT KIB    the number of steps and the array's size
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sojourn.h"

static uint64_t state = 1;

static uint32_t next_random(void) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 32);
}

int main(int argc, char** argv) {
    if (argc != 3) return 1;
    const int step_count = atoi(argv[1]);
    const uint32_t word_count = (uint32_t)atoi(argv[2]) * 256;
    uint32_t* words = malloc(word_count * sizeof(uint32_t));
    if (words == NULL) return 1;
    for (uint32_t i = 0; i < word_count; i++)
        words[i] = next_random();

    for (int step = 0; step < step_count; step++) {
        for (uint32_t i = 0; i < word_count / 8; i++)
            words[next_random() % word_count] += words[i];
        const int result = sojourn_checkpoint();
        printf("step %d %s\n", step,
               result == SOJOURN_DURABLE ? "durable"
               : result < 0              ? "failed"
                                         : "restored");
        fflush(stdout);
        if (step == step_count / 2 && getchar() != EOF) return 1;
    }
    uint32_t digest = 0;
    for (uint32_t i = 0; i < word_count; i++)
        digest = digest * 31 + words[i];
    printf("digest %08" PRIx32 "\n", digest);
    return 0;
}
