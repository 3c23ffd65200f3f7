// Sleeps for as many milliseconds as it is told, in one call, then says so.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char** argv) {
    const long milliseconds = argc > 1 ? atol(argv[1]) : 1000;
    puts("asleep");
    fflush(stdout);
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    if (nanosleep(&time, NULL) != 0) return 1;
    puts("awake");
    return 0;
}
