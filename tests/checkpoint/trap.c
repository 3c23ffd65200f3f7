// Ends in a trap some calls deep.
//
//   trap [DEPTH]    5 unless given
#include <stdio.h>
#include <stdlib.h>

__attribute__((noinline)) static int divide(int left, int right) {
    volatile int dividend = left;
    volatile int divisor = right;
    return dividend / divisor;
}

__attribute__((noinline)) static int descend(int depth) {
    return depth == 0 ? divide(7, depth) : descend(depth - 1) + depth;
}

int main(int argc, char** argv) {
    puts("before");
    fflush(stdout);
    return descend(argc > 1 ? atoi(argv[1]) : 5);
}
