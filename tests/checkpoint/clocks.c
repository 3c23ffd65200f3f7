// Sleeps for as many milliseconds as it is told, in one call, and prints by how many milliseconds
// its clocks went on meanwhile: the monotonic one and the realtime one.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long long milliseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int main(int argc, char** argv) {
    const long wanted = argc > 1 ? atol(argv[1]) : 100;
    const long long monotonic = milliseconds(CLOCK_MONOTONIC);
    const long long realtime = milliseconds(CLOCK_REALTIME);
    puts("asleep");
    fflush(stdout);
    const struct timespec time = {wanted / 1000, wanted % 1000 * 1000000};
    if (nanosleep(&time, NULL) != 0) return 1;
    printf("%lld %lld\n", milliseconds(CLOCK_MONOTONIC) - monotonic,
           milliseconds(CLOCK_REALTIME) - realtime);
    return 0;
}
