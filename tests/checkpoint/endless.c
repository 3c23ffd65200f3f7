// Computes for ever and says when it has begun.
#include <stdint.h>
#include <stdio.h>

int main(void) {
    puts("begun");
    fflush(stdout);
    volatile uint32_t state = 1;
    for (;;)
        state = state * 1664525 + 1013904223;
}
