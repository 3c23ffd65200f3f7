// Reads and writes a file at random places: transfers COUNT BYTES, a line of stdin each, answered
// by how long that took. The file is there, with 64 MiB.
#include "transfers.h"

#include <fcntl.h>
#include <stdio.h>

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int file = open("data", O_RDWR);
    if (file < 0) return 1;
    puts("ready");
    unsigned count = 0;
    unsigned bytes = 0;
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "transfer %u %u", &count, &bytes) != 2 || bytes == 0 ||
            bytes > kTransferBytesMax)
            return 2;
        printf("took %llu\n", (unsigned long long)transfer_by(move_bare, &file, count, bytes));
    }
    return 0;
}
