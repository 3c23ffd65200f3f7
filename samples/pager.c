// Shows a file a window at a time, on a terminal in raw mode: each key acts at once.
//
//   pager FILE
//
//   space  the next window    b  the one before    j, k  a line down, up    g, G  the ends
//   r      draw again, in a window of another size    q  quit
//
// Where it stands, the file and the mode of the terminal outlive a suspend; whoever resumes it
// presses r, or any other key, to see it.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sojourn.h"

struct text {
    char* bytes;
    size_t length;
    size_t lines;
};

struct window {
    size_t columns;
    size_t rows;  // for text: the last one tells where we are
};

static struct text read_file(const char* name) {
    FILE* file = fopen(name, "r");
    if (file == NULL) {
        perror(name);
        exit(1);
    }
    struct text text = {0};
    size_t capacity = 0;
    do {
        capacity = capacity * 2 + 4096;
        text.bytes = realloc(text.bytes, capacity);
        if (text.bytes == NULL) abort();
        text.length += fread(text.bytes + text.length, 1, capacity - text.length, file);
    } while (text.length == capacity);
    fclose(file);
    for (size_t at = 0; at < text.length; ++at)
        text.lines += text.bytes[at] == '\n' || at + 1 == text.length;
    return text;
}

static const char* line_at(const struct text* text, size_t line) {
    const char* at = text->bytes;
    while (line-- > 0)
        at = (const char*)memchr(at, '\n', text->length - (size_t)(at - text->bytes)) + 1;
    return at;
}

static struct window window_now(void) {
    const int64_t size = sojourn_terminal_size(STDOUT_FILENO);
    if (size < 0) return (struct window){80, 23};
    const size_t rows = (size_t)(size % 65536);
    return (struct window){(size_t)(size / 65536), rows > 1 ? rows - 1 : 1};
}

static void draw(const struct text* text, size_t first) {
    const struct window window = window_now();
    fputs("\x1b[H\x1b[2J", stdout);
    const char* const end = text->bytes + text->length;
    const char* at = line_at(text, first);
    for (size_t row = 0; row < window.rows && at < end; ++row) {
        const char* newline = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((newline == NULL ? end : newline) - at);
        fwrite(at, 1, length < window.columns ? length : window.columns, stdout);
        putchar('\n');
        at = newline == NULL ? end : newline + 1;
    }
    printf("lines %zu to %zu of %zu, window %zux%zu", text->lines == 0 ? 0 : first + 1,
           first + window.rows < text->lines ? first + window.rows : text->lines, text->lines,
           window.columns, window.rows + 1);
    fflush(stdout);
}

/// Where a key leads; the window stays within the text.
static size_t moved(const struct text* text, size_t first, char key) {
    const size_t rows = window_now().rows;
    const size_t last = text->lines > rows ? text->lines - rows : 0;
    switch (key) {
        case ' ':
            first += rows;
            break;
        case 'b':
            first -= first < rows ? first : rows;
            break;
        case 'j':
            first += 1;
            break;
        case 'k':
            first -= first > 0;
            break;
        case 'g':
            first = 0;
            break;
        case 'G':
            first = last;
            break;
    }
    return first < last ? first : last;
}

int main(int argc, char** argv) {
    if (argc != 2) {
        fputs("pager FILE\n", stderr);
        return 2;
    }
    const struct text text = read_file(argv[1]);
    const int32_t refused = sojourn_set_terminal_mode(STDIN_FILENO, SOJOURN_RAW);
    if (refused < 0) {
        fprintf(stderr, "pager: standard input: %s\n", strerror(-refused));
        return 1;
    }
    size_t first = 0;
    for (char key = 'r'; key != 'q';) {
        first = moved(&text, first, key);
        draw(&text, first);
        if (read(STDIN_FILENO, &key, 1) != 1) break;
    }
    putchar('\n');
    sojourn_set_terminal_mode(STDIN_FILENO, SOJOURN_COOKED);
    return 0;
}
