// What the saved samples were made of: holds memory, floats on its stack, an open file of a volume
// that it has read a part of, an open file of the host's, a directory and a clock; waits for a line
// and then says what all of them have come to.
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kWords = 5000 };

static int fail(const char* what) {
    perror(what);
    return 1;
}

// Waits with everything alive on the stack of this thread.
static uint64_t depth_first(int depth, double factor, const uint32_t* words) {
    if (depth > 0) return depth_first(depth - 1, factor * 1.25, words) + (uint64_t)(factor * depth);
    puts("waiting");
    fflush(stdout);
    char line[20];
    if (fgets(line, sizeof line, stdin) == NULL) exit(2);
    uint64_t sum = (uint64_t)(factor * 1000);
    for (int i = 0; i < kWords; i++)
        sum = sum * 31 + words[i];
    return sum;
}

int main(void) {
    uint32_t* words = malloc(kWords * sizeof *words);
    uint32_t state = 7;
    for (int i = 0; i < kWords; i++)
        words[i] = i % 3 == 0 ? (state = state * 1664525 + 1013904223) : (uint32_t)(i / 100);

    FILE* kept = fopen("/kept/notes", "w+");
    if (kept == NULL) return fail("/kept/notes");
    fputs("first line\nsecond line\n", kept);
    fflush(kept);
    rewind(kept);
    char line[20];
    fgets(line, sizeof line, kept);
    const int host = open("/host/input", O_RDONLY);
    if (host < 0) return fail("/host/input");
    char byte = 0;
    if (read(host, &byte, 1) != 1) return fail("read");
    DIR* directory = opendir("/kept");
    struct timespec before;
    clock_gettime(CLOCK_MONOTONIC, &before);

    const uint64_t sum = depth_first(20, 1.0625, words);

    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &after);
    const int is_later = after.tv_sec > before.tv_sec ||
                         (after.tv_sec == before.tv_sec && after.tv_nsec > before.tv_nsec);
    fgets(line, sizeof line, kept);
    line[strcspn(line, "\n")] = 0;
    if (read(host, &byte, 1) != 1) return fail("read");
    int names = 0;
    while (readdir(directory) != NULL)
        names++;
    printf("sum %016" PRIx64 ", %s, '%c', %d names, time goes %s\n", sum, line, byte, names,
           is_later ? "on" : "back");
    return 0;
}
