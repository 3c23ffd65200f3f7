// Writes to random words of a memory of 32 MiB, STEPS million times, and prints what it came to.
// For some thousand steps it stays within 64 KiB, so that it gets on in a small cache too. Every
// word is read before it is written, so that one wrong byte changes the end.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { kWords = 4 * 1024 * 1024, kWordsNear = 8192, kStepsNear = 4096 };
static uint64_t words[kWords];

int main(int count, char** arguments) {
    const uint64_t steps = strtoull(count > 1 ? arguments[1] : "1", NULL, 10) * 1000000;
    uint64_t state = 88172645463325252u;
    for (uint64_t i = 0; i < kWords; i += 512)
        words[i] = i * 0x9E3779B97F4A7C15u;
    uint64_t near = 0;
    puts("begun");
    fflush(stdout);
    for (uint64_t step = 0; step < steps; step++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        if (step % kStepsNear == 0) near = state % (kWords / kWordsNear) * kWordsNear;
        uint64_t* word = &words[near + (state >> 32) % kWordsNear];
        *word = *word * 3 + state;
        state += *word >> 60;
    }
    uint64_t sum = state;
    for (uint64_t i = 0; i < kWords; i++)
        sum = (sum ^ words[i]) * 0x100000001B3u;
    printf("came to %016" PRIx64 "\n", sum);
    return 0;
}
