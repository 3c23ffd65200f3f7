// Calls, branches and numbers: recursion, a table of functions, integers of both widths, floats.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

static uint32_t fibonacci(uint32_t n) {
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static uint64_t rotate(uint64_t value) {
    return value << 7 | value >> 57;
}
static uint64_t spread(uint64_t value) {
    return value * 0x9e3779b97f4a7c15;
}
static uint64_t fold(uint64_t value) {
    return value ^ value >> 29;
}

int main(void) {
    uint64_t (*const volatile steps[])(uint64_t) = {rotate, spread, fold};
    uint64_t value = 1;
    for (unsigned i = 0; i < 60; i++)
        value = steps[i % 3](value + i);

    double sum = 0;
    for (int i = 1; i <= 50; i++)
        sum += (i % 2 ? 1.0 : -1.0) / i;

    printf("fibonacci %" PRIu32 "\nmixed %016" PRIx64 "\nharmonic %.15f\n", fibonacci(9), value,
           sum);
    return 7;
}
