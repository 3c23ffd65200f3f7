// Changes some pages over and over and never ends; says when it has begun.
#include <stdio.h>

static volatile unsigned char memory[1 << 20];

int main(void) {
    puts("begun");
    fflush(stdout);
    for (unsigned round = 0;; round++)
        memory[round * 4096 % sizeof memory] = (unsigned char)round;
}
