// bigmap.c for a 64-bit memory, where there is no C library.
#include "bigmap.h"

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

typedef struct Slice {
    const char* bytes;
    size_t length;
} Slice;

WASI(args_sizes_get) int args_sizes_get(size_t* count, size_t* bytes);
WASI(args_get) int args_get(char** pointers, char* bytes);
WASI(fd_write) int fd_write(int fd, const Slice* slices, size_t count, size_t* written);
WASI(proc_exit) _Noreturn void proc_exit(int code);

static uint64_t number_of(const char* digits) {
    uint64_t value = 0;
    for (; *digits >= '0' && *digits <= '9'; digits++)
        value = value * 10 + (uint64_t)(*digits - '0');
    return value;
}

static void read_arguments(Walk* walk) {
    enum { kArgumentsEnd = 8, kBytesEnd = 4096 };
    static char* arguments[kArgumentsEnd];
    static char bytes[kBytesEnd];
    size_t count = 0;
    size_t byte_count = 0;
    if (args_sizes_get(&count, &byte_count) != 0) proc_exit(2);
    if (count > kArgumentsEnd || byte_count > kBytesEnd) proc_exit(3);
    if (args_get(arguments, bytes) != 0) proc_exit(4);
    if (count > 1) walk->pages = number_of(arguments[1]);
    if (count > 2) walk->stride = number_of(arguments[2]);
}

static size_t length_of(const char* text) {
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

// A line of a name and a number, with at least so many digits.
static void print(const char* name, uint64_t value, unsigned base, int digits_min) {
    char digits[24];
    char* first = digits + sizeof digits;
    *--first = '\n';
    for (int count = 0; value != 0 || count < digits_min; count++) {
        *--first = "0123456789abcdef"[value % base];
        value /= base;
    }
    const size_t length = (size_t)(digits + sizeof digits - first);
    const Slice slices[] = {{name, length_of(name)}, {first, length}};
    size_t written = 0;
    if (fd_write(1, slices, 2, &written) != 0) proc_exit(5);
    if (written != slices[0].length + length) proc_exit(6);
}

void _start(void) {
    Walk walk = {.pages = 16, .stride = 16384};
    read_arguments(&walk);
    if (!do_walk(&walk)) proc_exit(1);
    print("pages ", __builtin_wasm_memory_size(0), 10, 1);
    print("places ", walk.places, 10, 1);
    print("digest ", walk.digest, 16, 16);
    proc_exit(0);
}
