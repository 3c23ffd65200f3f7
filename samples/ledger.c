// The proof guest: a computation of minutes of which every step depends on all steps before.
//
//   ledger [--entries N] [--log FILE]
//
// Opens N accounts (default 3,000,000, about 250 MB) under pseudo-random numbers in a hash table
// that grows, and after each moves money between random accounts. It appends a line to FILE
// (default ledger.log) at each thousandth of the way, prints its progress at each hundredth, and
// ends with a line that digests every account and FILE as read back. Deterministic: an
// uninterrupted run and one that was suspended, killed and moved end with the same line.
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kTransfersPerEntry = 32, kAccountsPerChunk = 16384, kHistoryLength = 4 };

static const uint32_t kNone = UINT32_MAX;

typedef struct {
    uint64_t number;
    int64_t balance;
    uint64_t transfers;
    uint64_t history[kHistoryLength];  // the last transfers, newest at transfers % kHistoryLength
    uint32_t next_in_bucket;
} Account;

// Accounts never move once they are there; the buckets hold their positions.
static Account** chunks;
static uint32_t account_count;
static uint32_t* buckets;
static uint32_t bucket_count;

static uint64_t random_state = 1;

static void die(const char* what) {
    fprintf(stderr, "ledger: %s\n", what);
    exit(1);
}

// Spreads every bit of `value` over the whole result.
static uint64_t mix(uint64_t value) {
    value ^= value >> 32;
    value *= 0x9e3779b97f4a7c15;
    value ^= value >> 29;
    value *= 0xd6e8feb86659fd93;
    return value ^ value >> 32;
}

static uint64_t next_random(void) {
    random_state += 0x9e3779b97f4a7c15;
    return mix(random_state);
}

static Account* account_at(uint32_t position) {
    return &chunks[position / kAccountsPerChunk][position % kAccountsPerChunk];
}

static uint32_t* bucket_of(uint64_t number) {
    return &buckets[mix(number) & (bucket_count - 1)];
}

static void link_account(uint32_t position) {
    Account* account = account_at(position);
    uint32_t* bucket = bucket_of(account->number);
    account->next_in_bucket = *bucket;
    *bucket = position;
}

static void grow_buckets(void) {
    free(buckets);
    bucket_count = bucket_count == 0 ? 1024 : bucket_count * 2;
    buckets = malloc(bucket_count * sizeof *buckets);
    if (buckets == NULL) die("out of memory");
    memset(buckets, 0xff, bucket_count * sizeof *buckets);
    for (uint32_t position = 0; position < account_count; position++)
        link_account(position);
}

static void open_account(uint64_t number, int64_t balance) {
    if (account_count == bucket_count) grow_buckets();
    Account** chunk = &chunks[account_count / kAccountsPerChunk];
    if (*chunk == NULL) *chunk = calloc(kAccountsPerChunk, sizeof **chunk);
    if (*chunk == NULL) die("out of memory");
    Account* account = account_at(account_count);
    account->number = number;
    account->balance = balance;
    link_account(account_count++);
}

static Account* find_account(uint64_t number) {
    for (uint32_t position = *bucket_of(number); position != kNone;) {
        Account* account = account_at(position);
        if (account->number == number) return account;
        position = account->next_in_bucket;
    }
    die("an account is gone");
    return NULL;
}

// The i-th account's number. Mixing is a bijection: no two are equal.
static uint64_t number_of(uint64_t i) {
    return mix(i + 1);
}

static void note(Account* account, uint64_t transfer) {
    account->transfers++;
    account->history[account->transfers % kHistoryLength] = transfer;
}

static uint64_t transfer_once(void) {
    Account* from = find_account(number_of(next_random() % account_count));
    Account* to = find_account(number_of(next_random() % account_count));
    const int64_t amount = (int64_t)(next_random() % 1000);
    from->balance -= amount;
    to->balance += amount;
    const uint64_t transfer = mix(from->number ^ to->number * 3 ^ (uint64_t)amount);
    note(from, transfer);
    note(to, transfer);
    return transfer;
}

static uint64_t digest_accounts(int64_t expected_total) {
    uint64_t digest = 0;
    int64_t total = 0;
    for (uint32_t position = 0; position < account_count; position++) {
        const Account* account = account_at(position);
        digest = mix(digest ^ account->number) + (uint64_t)account->balance;
        for (int i = 0; i < kHistoryLength; i++)
            digest = mix(digest ^ account->history[i]);
        total += account->balance;
    }
    if (total != expected_total) die("the sum of all balances has changed");
    return digest;
}

static uint64_t digest_file(const char* path, unsigned* lines) {
    FILE* file = fopen(path, "r");
    if (file == NULL) die("cannot read the log back");
    uint64_t digest = 0;
    *lines = 0;
    for (int c; (c = getc(file)) != EOF;) {
        digest = mix(digest ^ (uint64_t)c);
        *lines += c == '\n';
    }
    fclose(file);
    return digest;
}

int main(int argc, char** argv) {
    uint32_t entries = 3000000;
    const char* log_path = "ledger.log";
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--entries") == 0) entries = (uint32_t)strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--log") == 0) log_path = argv[i + 1];
    }
    if (entries < 1000) die("--entries takes at least 1000");
    FILE* log = fopen(log_path, "a");
    if (log == NULL) die("cannot append to the log");
    chunks = calloc(entries / kAccountsPerChunk + 1, sizeof *chunks);
    if (chunks == NULL) die("out of memory");

    int64_t total = 0;
    uint64_t course = 0;  // of all transfers so far
    uint32_t thousandths = 0;
    for (uint32_t i = 0; i < entries; i++) {
        const int64_t deposit = (int64_t)(next_random() % 100000);
        open_account(number_of(i), deposit);
        total += deposit;
        for (int j = 0; j < kTransfersPerEntry; j++)
            course = mix(course ^ transfer_once());

        const uint32_t before = thousandths;
        thousandths = (uint32_t)((i + 1) * UINT64_C(1000) / entries);
        if (thousandths == before) continue;
        fprintf(log, "account %" PRIu32 " course %016" PRIx64 "\n", i + 1, course);
        fflush(log);
        if (thousandths % 10 != 0) continue;
        printf("progress %" PRIu32 " %% course %016" PRIx64 "\n", thousandths / 10, course);
        fflush(stdout);
    }
    fclose(log);

    unsigned lines;
    const uint64_t log_digest = digest_file(log_path, &lines);
    const uint64_t digest = mix(digest_accounts(total) ^ log_digest);
    printf("digest %016" PRIx64 " accounts %" PRIu32 " lines %u\n", digest, account_count, lines);
    return 0;
}
