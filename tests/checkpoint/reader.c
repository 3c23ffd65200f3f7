// Waits for a line on stdin, by read or, with an argument, by poll first, and repeats it.
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char** argv) {
    (void)argv;
    puts("waiting");
    fflush(stdout);
    struct pollfd input = {0, POLLIN, 0};
    if (argc > 1 && poll(&input, 1, -1) != 1) return 1;
    char text[100];
    const ssize_t length = read(0, text, sizeof text);
    if (length <= 0) return 2;
    printf("got %.*s", (int)length, text);
    return 0;
}
