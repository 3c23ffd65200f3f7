// Adds up in a table the numbers that its standard input names, line by line, and asks for a
// checkpoint after each. Prints a digest of the table whenever it goes on, and at the end of the
// input. "die" ends it as a crash of its runner would.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sojourn.h"

// Of the interface, not of the C library's headers.
__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_raise"))) uint16_t
proc_raise(uint8_t signal);
enum { kSignalKill = 9 };

enum { kSlots = 4096 };
static uint64_t table[kSlots];

static uint64_t digest(void) {
    uint64_t sum = 14695981039346656037u;
    for (int slot = 0; slot < kSlots; ++slot)
        sum = (sum ^ table[slot]) * 1099511628211u;
    return sum;
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    char line[32];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "die", 3) == 0) proc_raise(kSignalKill);
        const uint64_t number = strtoull(line, NULL, 10);
        for (uint64_t step = 0; step < 8; ++step)
            table[(number * 31 + step * 577) % kSlots] += number + step;
        if (sojourn_checkpoint() < 0) return 1;
        printf("%016llx\n", (unsigned long long)digest());
    }
    printf("end %016llx\n", (unsigned long long)digest());
    return 0;
}
