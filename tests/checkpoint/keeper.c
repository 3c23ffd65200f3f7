// Holds a file that it appends to and one that it reads, and does with them, line by line, what its
// standard input says. Every answer is one line: what was done, or the errno.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void answer(int is_done, const char* what) {
    if (is_done)
        puts(what);
    else
        printf("errno %d\n", errno);
}

static void append(int log, const char* text) {
    char line[120];
    const int length = snprintf(line, sizeof line, "%s\n", text);
    answer(write(log, line, (size_t)length) == length, "appended");
}

static void take(int input) {
    char text[5] = {0};
    answer(read(input, text, 4) >= 0, text);
}

static void look(const char* name) {
    const int file = open(name, O_RDONLY);
    answer(file >= 0, "found");
    if (file >= 0) close(file);
}

static void measure(void) {
    static struct timespec before;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int is_later = now.tv_sec > before.tv_sec ||
                         (now.tv_sec == before.tv_sec && now.tv_nsec >= before.tv_nsec);
    before = now;
    puts(is_later ? "forward" : "backward");
}

static void draw(void) {
    unsigned char bytes[8];
    answer(getentropy(bytes, sizeof bytes) == 0, "drawn");
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    const int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    const int input = open("input", O_RDONLY);
    if (log < 0 || input < 0) return 1;
    puts("ready");
    char line[100];
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "append ", 7) == 0) append(log, line + 7);
        if (strcmp(line, "take") == 0) take(input);
        if (strncmp(line, "look ", 5) == 0) look(line + 5);
        if (strcmp(line, "clock") == 0) measure();
        if (strcmp(line, "draw") == 0) draw();
        if (strcmp(line, "quit") == 0) return 0;
    }
    return 2;
}
