// Sleeps, and tells the time on two clocks: the one that counts only while the guest is there, and
// the one on the wall, which goes on while it is suspended.
//
//   clock [--ticks N] [--every MILLISECONDS]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_on(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void print_tick(long tick, double awake, double on_wall) {
    const double away = on_wall > awake ? on_wall - awake : 0;
    const time_t now = time(NULL);
    char date[32];
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    printf("tick %ld: awake for %.3f s, away for %.3f s, %s\n", tick, awake, away, date);
    fflush(stdout);
}

int main(int argc, char** argv) {
    long ticks = 10;
    long every_ms = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--ticks") == 0) ticks = atol(argv[i + 1]);
        if (strcmp(argv[i], "--every") == 0) every_ms = atol(argv[i + 1]);
    }

    const double monotonic_begin = seconds_on(CLOCK_MONOTONIC);
    const double realtime_begin = seconds_on(CLOCK_REALTIME);
    const struct timespec pause = {every_ms / 1000, every_ms % 1000 * 1000000};
    for (long tick = 1; tick <= ticks; tick++) {
        nanosleep(&pause, NULL);
        print_tick(tick, seconds_on(CLOCK_MONOTONIC) - monotonic_begin,
                   seconds_on(CLOCK_REALTIME) - realtime_begin);
    }
    return 0;
}
