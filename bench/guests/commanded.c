// A guest with a memory of MIB that reads its clock all the time and does what stdin says, a line
// each, answered by a line each:
//   scattered N, local N  write to N pages, chosen at random or side by side  -> written
//   noise N               fill the first N pages with noise                   -> written
//   records N             fill the first N pages with what an encoder makes smaller -> written
//   rate N                from now on write to N random pages a second        -> written
//   gap                   the longest time between two readings of the clock
//                         since this was asked last                           -> gap NANOSECONDS
//   rounds                rounds of the loop so far                           -> rounds N
//   checkpoints N PAGES   N times: fill PAGES pages with noise, ask for a checkpoint;
//                         how long each took from the asking                  -> took NANOSECONDS,
//                         N lines
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

#include "pages.h"
#include "sojourn.h"

enum { kRandomReads = 16, kCheckpointsMax = 4096 };
static const uint64_t kLookForCommandsNs = 500000;

typedef struct Guest {
    Pages pages;
    uint64_t random;
    uint64_t writes_a_second;
    uint64_t written_until_ns;
    uint64_t clock_read_at_ns;
    uint64_t longest_gap_ns;
    uint64_t rounds;
    uint64_t sum;
} Guest;

static void write_scattered(Guest* guest, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        touch(guest->pages, random_below(&guest->random, guest->pages.count), guest->random);
}

static void write_side_by_side(Guest* guest, uint64_t count) {
    for (uint64_t i = 0; i < count; i++)
        touch(guest->pages, i, guest->random++);
}

// The first `count` pages, with what no encoder makes smaller.
static void write_noise(Guest* guest, uint64_t count) {
    enum { kBytesACall = 65536 };
    uint8_t* next = (uint8_t*)guest->pages.words;
    const uint8_t* end = next + count * kPageBytes;
    while (next < end) {
        const size_t length = end - next < kBytesACall ? (size_t)(end - next) : kBytesACall;
        if (__wasi_random_get(next, length) != 0) exit(4);
        next += length;
    }
}

// The first `count` pages, with the rows of a table: numbers that grow, numbers that do not, words.
static void write_records(Guest* guest, uint64_t count) {
    static const char* const kWords[] = {"open", "settled", "in arrears", "written off"};
    typedef struct Row {
        uint64_t number;
        uint32_t amount;
        uint32_t customer;
        char state[16];
    } Row;
    Row* rows = (Row*)guest->pages.words;
    for (uint64_t i = 0; i < count * kPageBytes / sizeof(Row); i++) {
        const uint64_t random = random_below(&guest->random, 1 << 30);
        rows[i].number = i;
        rows[i].amount = (uint32_t)(random % 100000);
        rows[i].customer = (uint32_t)(random >> 20);
        memset(rows[i].state, 0, sizeof rows[i].state);
        strcpy(rows[i].state, kWords[random % 4]);
    }
}

// As many pages as the time since the last call allows.
static void write_at_rate(Guest* guest, uint64_t now_ns) {
    if (guest->writes_a_second == 0) return;
    const uint64_t nanoseconds_a_write = 1000000000 / guest->writes_a_second;
    while (guest->written_until_ns + nanoseconds_a_write <= now_ns) {
        write_scattered(guest, 1);
        guest->written_until_ns += nanoseconds_a_write;
    }
}

static void take_checkpoints(Guest* guest, uint64_t count, uint64_t pages) {
    static uint64_t took_ns[kCheckpointsMax];
    if (count > kCheckpointsMax) count = kCheckpointsMax;
    for (uint64_t i = 0; i < count; i++) {
        write_noise(guest, pages);
        const uint64_t asked_at_ns = clock_ns();
        if (sojourn_checkpoint() != SOJOURN_DURABLE) exit(3);
        took_ns[i] = clock_ns() - asked_at_ns;
    }
    for (uint64_t i = 0; i < count; i++)
        printf("took %" PRIu64 "\n", took_ns[i]);
}

static void obey(Guest* guest, const char* command) {
    char name[32] = "";
    uint64_t first = 0;
    uint64_t second = 0;
    sscanf(command, "%31s %" SCNu64 " %" SCNu64, name, &first, &second);
    const char* answer = "written\n";
    if (strcmp(name, "scattered") == 0) {
        write_scattered(guest, first);
    } else if (strcmp(name, "local") == 0) {
        write_side_by_side(guest, first);
    } else if (strcmp(name, "noise") == 0) {
        write_noise(guest, first);
    } else if (strcmp(name, "records") == 0) {
        write_records(guest, first);
    } else if (strcmp(name, "rate") == 0) {
        guest->writes_a_second = first;
        guest->written_until_ns = clock_ns();
    } else {
        answer = "";
    }
    fputs(answer, stdout);
    if (strcmp(name, "gap") == 0) printf("gap %" PRIu64 "\n", guest->longest_gap_ns);
    if (strcmp(name, "rounds") == 0) printf("rounds %" PRIu64 "\n", guest->rounds);
    if (strcmp(name, "checkpoints") == 0) take_checkpoints(guest, first, second);
    fflush(stdout);
    // What was done for a command is no gap.
    guest->clock_read_at_ns = clock_ns();
    guest->longest_gap_ns = 0;
}

// False at the end of stdin.
static int look_for_command(Guest* guest) {
    struct pollfd input = {0, POLLIN, 0};
    if (poll(&input, 1, 0) != 1) return 1;
    char line[100];
    const ssize_t length = read(0, line, sizeof line - 1);
    if (length <= 0) return 0;
    line[length] = 0;
    obey(guest, line);
    return 1;
}

static void run_one_round(Guest* guest) {
    const uint64_t now_ns = clock_ns();
    const uint64_t gap_ns = now_ns - guest->clock_read_at_ns;
    if (gap_ns > guest->longest_gap_ns) guest->longest_gap_ns = gap_ns;
    guest->clock_read_at_ns = now_ns;
    for (int i = 0; i < kRandomReads; i++)
        guest->sum += *page_at(guest->pages, random_below(&guest->random, guest->pages.count));
    write_at_rate(guest, now_ns);
    guest->rounds++;
}

int main(int argc, char** argv) {
    Guest guest = {.pages = grown_to(argc > 1 ? strtoull(argv[1], NULL, 10) : 1), .random = 1};
    if (guest.pages.count == 0) return 1;
    for (uint64_t i = 0; i < guest.pages.count; i++)
        touch(guest.pages, i, i);
    puts("ready");
    fflush(stdout);

    uint64_t looked_at_ns = guest.clock_read_at_ns = clock_ns();
    for (;;) {
        run_one_round(&guest);
        if (guest.clock_read_at_ns - looked_at_ns < kLookForCommandsNs) continue;
        if (!look_for_command(&guest)) return 0;
        looked_at_ns = guest.clock_read_at_ns;
    }
}
