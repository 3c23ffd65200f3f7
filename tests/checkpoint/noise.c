// For each line of its standard input, a number, fills the next MEBIBYTES of a memory of 64 with
// noise that the number seeds, and asks for a checkpoint. Prints the number whenever it goes on:
// noise MEBIBYTES
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sojourn.h"

enum { kMebibyte = 1 << 20, kMebibytes = 64, kWords = kMebibytes * kMebibyte / 8 };
static volatile uint64_t words[kWords];

int main(int count, char** arguments) {
    setvbuf(stdin, NULL, _IONBF, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    const uint64_t words_a_round =
        strtoull(count > 1 ? arguments[1] : "1", NULL, 10) * (kMebibyte / 8);
    uint64_t at = 0;
    char line[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        const uint64_t number = strtoull(line, NULL, 10);
        uint64_t state = (number + 1) * 0x9E3779B97F4A7C15u;
        for (uint64_t word = 0; word < words_a_round; ++word) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            words[at++ % kWords] = state;
        }
        if (sojourn_checkpoint() < 0) return 1;
        printf("%llu\n", (unsigned long long)number);
    }
    return 0;
}
