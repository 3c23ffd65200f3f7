// Ends in a trap a few calls deep, when it was told to on its standard input.
#include <stdio.h>

__attribute__((noinline)) static int divide(int left, int right) {
    volatile int dividend = left;
    volatile int divisor = right;
    return dividend / divisor;
}

__attribute__((noinline)) static int descend(int depth) {
    if (depth == 0) return divide(7, depth);
    return descend(depth - 1);
}

int main(int argc, char** argv) {
    (void)argv;
    puts("before");
    fflush(stdout);
    if (argc > 1) getchar();
    return descend(2);
}
