// Keeps a number in each page of 32 MiB. For each line on stdin it compares all of them with what
// they must be, writes every third anew, and says so.
#include <inttypes.h>
#include <stdio.h>

enum { kPages = 8192, kWordsAPage = 512, kLineLength = 100 };

static uint64_t words[kPages * kWordsAPage];
static unsigned rounds[kPages];  // in which a page was written last

static uint64_t number_for(unsigned page) {
    return (page + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ rounds[page];
}

static void write_page(unsigned page, unsigned round) {
    rounds[page] = round;
    for (unsigned i = 0; i < kWordsAPage; i++)
        words[page * kWordsAPage + i] = number_for(page) + i;
}

static unsigned count_wrong(void) {
    unsigned wrong = 0;
    for (unsigned page = 0; page < kPages; page++) {
        for (unsigned i = 0; i < kWordsAPage; i++)
            wrong += words[page * kWordsAPage + i] != number_for(page) + i;
    }
    return wrong;
}

int main(void) {
    for (unsigned page = 0; page < kPages; page++)
        write_page(page, 0);
    puts("round 0 wrong 0");
    fflush(stdout);
    char line[kLineLength];
    for (unsigned round = 1; fgets(line, sizeof line, stdin) != NULL; round++) {
        const unsigned wrong = count_wrong();
        for (unsigned page = round % 3; page < kPages; page += 3)
            write_page(page, round);
        printf("round %u wrong %u\n", round, wrong);
        fflush(stdout);
    }
    return 0;
}
