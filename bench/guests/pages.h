// A guest's memory as pages of 4 KiB, its clock, and the numbers it writes. Compiles as C and C++,
// so that a native program can do the same walk.
#ifndef BENCH_PAGES_H
#define BENCH_PAGES_H

#include <stdint.h>
#include <time.h>

enum { kPageBytes = 4096, kWordsAPage = kPageBytes / 8, kWordsAVisit = 16 };

typedef struct Pages {
    volatile uint64_t* words;
    uint64_t count;
} Pages;

static inline uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

static inline uint64_t random_below(uint64_t* state, uint64_t end) {
    *state += 0x9e3779b97f4a7c15;
    return mixed(*state) % end;
}

static inline uint64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline volatile uint64_t* page_at(Pages pages, uint64_t index) {
    return pages.words + index * kWordsAPage;
}

// Makes a page dirty, and what it holds compress well.
static inline void touch(Pages pages, uint64_t index, uint64_t value) {
    page_at(pages, index)[0] = mixed(value);
}

// Fills a page with something that compresses to a quarter or so, as a program's data does.
static inline void fill_with_text(Pages pages, uint64_t index) {
    for (uint64_t i = 0; i < kWordsAPage; i++)
        page_at(pages, index)[i] = i % 8 == 0 ? mixed(index * kWordsAPage + i) : i;
}

// Reads some of a page and writes a word of it.
static inline void visit(Pages pages, uint64_t index) {
    volatile uint64_t* page = page_at(pages, index);
    uint64_t sum = 0;
    for (int i = 1; i < kWordsAVisit; i++)
        sum += page[i];
    page[0] = page[0] + sum + 1;
}

// Visits each page once, then goes on for so many seconds, one after the other or at random.
static inline uint64_t visits_a_second(Pages pages, int is_random, uint64_t seconds) {
    enum { kVisitsALook = 64 };
    for (uint64_t page = 0; page < pages.count; page++)
        visit(pages, page);

    uint64_t random = 1;
    uint64_t page = 0;
    uint64_t visits = 0;
    uint64_t elapsed_ns = 0;
    const uint64_t begin_ns = clock_ns();
    while (elapsed_ns < seconds * 1000000000) {
        for (int i = 0; i < kVisitsALook; i++) {
            page = is_random ? random_below(&random, pages.count) : (page + 1) % pages.count;
            visit(pages, page);
        }
        visits += kVisitsALook;
        elapsed_ns = clock_ns() - begin_ns;
    }
    return visits * 1000000 / (elapsed_ns / 1000);
}

#ifdef __wasm__
// A memory of so many MiB in all; `count` is 0 where it does not grow so far.
static inline Pages grown_to(uint64_t mebibytes) {
    enum { kWasmPageBytes = 65536 };
    const uint64_t before = __builtin_wasm_memory_size(0);
    const uint64_t more = mebibytes * 16 - before;
    Pages pages = {(volatile uint64_t*)(uintptr_t)(before * kWasmPageBytes), 0};
    if (__builtin_wasm_memory_grow(0, (size_t)more) == before)
        pages.count = more * (kWasmPageBytes / kPageBytes);
    return pages;
}
#endif

#endif
