// Changes files in every way there is and knows in its memory what must be in them: a log that it
// appends to, a small database that it edits in place, a tree of files and directories that come,
// move and go, and a file that has no name any more. After each round it compares all of them, but
// for the log, which it reads at the end. Goes on until there is a file `enough`. Before round 50
// it asks for a checkpoint, at which it has nothing open but the log and the file without a name.
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sojourn.h"

enum { kRecords = 96, kRecordBytes = 1000, kNames = 12, kScratchBytes = 9000, kLineBytes = 12 };

static uint64_t state = 1;
static uint32_t rounds;
static int log_file, scratch_file;
static uint32_t records[kRecords], record_count;
static uint32_t names[kNames];  // what the file of that number holds; 0: there is none
static int has_directory[kNames];
static uint32_t scratch[kScratchBytes / 4];

static uint32_t next_random(void) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 32) | 1;
}

static void differ(const char* what, long number) {
    printf("DIFFERS in round %u: %s %ld: %s\n", rounds, what, number, strerror(errno));
    fflush(stdout);
    exit(1);
}

static void append_line(void) {
    char line[kLineBytes + 1];
    snprintf(line, sizeof line, "line %06u\n", rounds);
    if (write(log_file, line, kLineBytes) != kLineBytes) differ("log", rounds);
}

static void check_log(void) {
    FILE* file = fopen("log", "r");
    char line[64], expected[64];
    for (uint32_t number = 0; number < rounds; number++) {
        snprintf(expected, sizeof expected, "line %06u\n", number);
        if (file == NULL || fgets(line, sizeof line, file) == NULL || strcmp(line, expected) != 0)
            differ("line", number);
    }
    if (fgets(line, sizeof line, file) != NULL) differ("line too many", rounds);
    fclose(file);
}

static void fill_record(char* bytes, uint32_t value) {
    for (int i = 0; i + 4 <= kRecordBytes; i += 4)
        memcpy(bytes + i, &value, 4);
}

static void edit_database(void) {
    char bytes[kRecordBytes];
    const int file = open("db", O_RDWR | O_CREAT, 0644);
    if (file < 0) differ("db", -1);
    for (int i = 0; i < 3; i++) {
        const uint32_t record = next_random() % kRecords;
        if (record > record_count) continue;
        if (record == record_count) record_count++;
        records[record] = next_random();
        fill_record(bytes, records[record]);
        if (pwrite(file, bytes, kRecordBytes, (off_t)record * kRecordBytes) != kRecordBytes)
            differ("write of record", record);
    }
    if (next_random() % 16 == 3 && record_count > 4) {
        record_count -= record_count / 3;
        if (ftruncate(file, (off_t)record_count * kRecordBytes) != 0)
            differ("db cut to", record_count);
    }
    close(file);
}

static void check_database(void) {
    char bytes[kRecordBytes], expected[kRecordBytes];
    const int file = open("db", O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0 ||
        status.st_size != (off_t)record_count * kRecordBytes)
        differ("size of db", file < 0 ? -1 : (long)status.st_size);
    for (uint32_t record = 0; record < record_count; record++) {
        fill_record(expected, records[record]);
        if (read(file, bytes, kRecordBytes) != kRecordBytes ||
            memcmp(bytes, expected, kRecordBytes) != 0)
            differ("record", record);
    }
    close(file);
}

static const char* name_of(int number, int is_directory) {
    static char names_of[2][32];
    static int turn;
    turn = 1 - turn;
    snprintf(names_of[turn], sizeof names_of[turn], is_directory ? "tree/d%d" : "tree/f%d", number);
    return names_of[turn];
}

static void write_file(int number, uint32_t value, int flags) {
    const int file = open(name_of(number, 0), O_WRONLY | flags, 0644);
    if (file < 0 || write(file, &value, 4) != 4) differ("write of file", number);
    close(file);
    names[number] = value;
}

static void change_tree(void) {
    const int one = (int)(next_random() / 2 % kNames), other = (int)(next_random() / 2 % kNames);
    switch (next_random() / 2 % 6) {
        case 0:
            write_file(one, next_random(), O_CREAT | O_TRUNC);
            break;
        case 1:
            if (names[one] == 0) break;
            if (unlink(name_of(one, 0)) != 0) differ("removal of file", one);
            names[one] = 0;
            break;
        case 2:
            if (names[one] == 0 || one == other) break;
            if (rename(name_of(one, 0), name_of(other, 0)) != 0) differ("renaming of file", one);
            names[other] = names[one];
            names[one] = 0;
            break;
        case 3:
            if (has_directory[one]) {
                if (rmdir(name_of(one, 1)) != 0) differ("removal of directory", one);
            } else if (mkdir(name_of(one, 1), 0755) != 0) {
                differ("making of directory", one);
            }
            has_directory[one] = !has_directory[one];
            break;
        case 4:
            if (names[one] == 0 || names[other] != 0) break;
            if (link(name_of(one, 0), name_of(other, 0)) != 0) differ("linking of file", one);
            unlink(name_of(one, 0));
            names[other] = names[one];
            names[one] = 0;
            break;
        case 5:
            if (names[one] != 0) write_file(one, next_random(), 0);
            break;
    }
}

static void check_tree(void) {
    struct stat status;
    for (int number = 0; number < kNames; number++) {
        uint32_t value = 0;
        const int file = open(name_of(number, 0), O_RDONLY);
        if ((file >= 0) != (names[number] != 0)) differ("presence of file", number);
        if (file >= 0 && (read(file, &value, 4) != 4 || value != names[number]))
            differ("content of file", number);
        if (file >= 0) close(file);
        if ((stat(name_of(number, 1), &status) == 0) != has_directory[number])
            differ("presence of directory", number);
    }
}

static void use_scratch(void) {
    uint32_t found[kScratchBytes / 4];
    const uint32_t at = next_random() % (kScratchBytes / 4);
    scratch[at] = next_random();
    if (pwrite(scratch_file, &scratch[at], 4, (off_t)at * 4) != 4) differ("scratch", at);
    if (pread(scratch_file, found, sizeof found, 0) != sizeof found ||
        memcmp(found, scratch, sizeof found) != 0)
        differ("content of scratch", at);
}

int main(void) {
    log_file = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    scratch_file = open("scratch", O_RDWR | O_CREAT, 0644);
    if (log_file < 0 || scratch_file < 0 || mkdir("tree", 0755) != 0) differ("beginning", 0);
    if (write(scratch_file, scratch, sizeof scratch) != sizeof scratch) differ("scratch", 0);
    for (; access("enough", F_OK) != 0; rounds++) {
        if (rounds == 40 && unlink("scratch") != 0) differ("removal of scratch", 0);
        if (rounds == 50 && sojourn_checkpoint() < 0) differ("checkpoint", 0);
        append_line();
        edit_database();
        change_tree();
        use_scratch();
        check_database();
        check_tree();
        if (rounds % 50 == 0) printf("round %u\n", rounds);
        fflush(stdout);
    }
    check_log();
    printf("agree after %u rounds\n", rounds);
    return 0;
}
