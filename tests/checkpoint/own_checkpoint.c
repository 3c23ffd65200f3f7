// Takes a checkpoint of itself twice and tells what it learned; the variable lives in memory.
#include <stdio.h>

#include "sojourn.h"

int main(void) {
    volatile int round = 0;
    for (; round < 2; round++) {
        const int result = sojourn_checkpoint();
        printf("round %d: %d\n", round, result);
        fflush(stdout);
    }
    printf("generation %lld\n", (long long)sojourn_generation());
    return 0;
}
