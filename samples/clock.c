// Sleeps and prints, for suspending a guest that waits: clock [--ticks N] [--every MILLISECONDS]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int main(int argc, char** argv) {
    long ticks = 10;
    long every_ms = 1000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--ticks") == 0) ticks = atol(argv[i + 1]);
        if (strcmp(argv[i], "--every") == 0) every_ms = atol(argv[i + 1]);
    }

    const struct timespec pause = {every_ms / 1000, every_ms % 1000 * 1000000};
    for (long tick = 1; tick <= ticks; tick++) {
        nanosleep(&pause, NULL);
        printf("tick %ld\n", tick);
        fflush(stdout);
    }
    return 0;
}
