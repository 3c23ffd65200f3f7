// Answers each line of its input, for suspending a guest that reads. Every answer depends on all
// lines so far: a guest that lost or repeated one would show it.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    char line[4096];
    uint32_t so_far = 0;
    for (int number = 1; fgets(line, sizeof line, stdin) != NULL; number++) {
        line[strcspn(line, "\n")] = '\0';
        for (const char* c = line; *c != '\0'; c++)
            so_far = so_far * 31 + (unsigned char)*c;
        printf("%d: %s (%08x)\n", number, line, so_far);
        fflush(stdout);
    }
    return 0;
}
