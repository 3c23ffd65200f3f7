// Ends in a trap a few calls deep.
#include <stdio.h>

__attribute__((noinline)) static int divide(int left, int right) {
    volatile int dividend = left;
    volatile int divisor = right;
    return dividend / divisor;
}

__attribute__((noinline)) static int descend(int depth) {
    return depth == 0 ? divide(7, depth) : descend(depth - 1) + depth;
}

int main(void) {
    puts("before");
    fflush(stdout);
    return descend(5);
}
