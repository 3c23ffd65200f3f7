// Prepares something costly once, takes a checkpoint, and answers one question from stdin. Each
// resume from that checkpoint asks again and answers another question, without preparing anew:
//
//   vm run --name primes branch_point.wasm       then: vm resume primes@1, as often as you like
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sojourn.h"

enum { kLimit = 5000000 };

static unsigned char is_composite[kLimit];

static void prepare(void) {
    for (int i = 2; (long)i * i < kLimit; i++) {
        if (is_composite[i]) continue;
        for (int multiple = i * i; multiple < kLimit; multiple += i)
            is_composite[multiple] = 1;
    }
}

int main(void) {
    prepare();
    const int32_t taken = sojourn_checkpoint();
    if (taken == SOJOURN_DURABLE) puts("prepared; resume from here to ask again");
    if (taken == SOJOURN_RESTORED) puts("prepared already");
    if (taken < 0) printf("no checkpoint: %s\n", strerror(-taken));

    printf("a number below %d? ", kLimit);
    fflush(stdout);
    char line[32];
    if (fgets(line, sizeof line, stdin) == NULL) return 1;
    const long number = atol(line);
    if (number < 2 || number >= kLimit) return 1;
    printf("%ld is %s\n", number, is_composite[number] ? "composite" : "prime");
    return 0;
}
