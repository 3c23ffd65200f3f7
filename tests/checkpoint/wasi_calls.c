// Calls of WASI that no C library makes, or whose errors it hides, each held against the errno that
// the specification names. Prints what does not hold.
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

#define ROOT       3
#define ALL_RIGHTS ((__wasi_rights_t)0x3fffffff)
#define FILE_RIGHTS                                                                          \
    (__WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_WRITE | __WASI_RIGHTS_FD_SEEK |                \
     __WASI_RIGHTS_FD_TELL | __WASI_RIGHTS_FD_FDSTAT_SET_FLAGS | __WASI_RIGHTS_FD_ALLOCATE | \
     __WASI_RIGHTS_FD_ADVISE | __WASI_RIGHTS_FD_FILESTAT_GET |                               \
     __WASI_RIGHTS_FD_FILESTAT_SET_SIZE | __WASI_RIGHTS_POLL_FD_READWRITE)

static int failures;
static int checks;

static void check(int line, const char* call, __wasi_errno_t got, __wasi_errno_t expected) {
    checks++;
    if (got == expected) return;
    failures++;
    printf("line %d: %s answered %d, not %d\n", line, call, got, expected);
}
#define IS(call, name) check(__LINE__, #call, call, __WASI_ERRNO_##name)
#define HOLDS(what)    check(__LINE__, #what, (what) ? 0 : 1, 0)

static __wasi_errno_t open_as(const char* name, __wasi_oflags_t how, __wasi_rights_t rights,
                              __wasi_fdflags_t flags, __wasi_fd_t* fd) {
    return __wasi_path_open(ROOT, __WASI_LOOKUPFLAGS_SYMLINK_FOLLOW, name, how, rights, ALL_RIGHTS,
                            flags, fd);
}

static __wasi_errno_t write_text(__wasi_fd_t fd, const char* text) {
    const __wasi_ciovec_t out = {(const uint8_t*)text, strlen(text)};
    __wasi_size_t written = 0;
    const __wasi_errno_t error = __wasi_fd_write(fd, &out, 1, &written);
    return error != 0 ? error : written == strlen(text) ? 0 : __WASI_ERRNO_IO;
}

static __wasi_filesize_t size_of(__wasi_fd_t fd) {
    __wasi_filestat_t status = {0};
    if (__wasi_fd_filestat_get(fd, &status) != 0) return UINT64_MAX;
    return status.size;
}

static void positions(void) {
    __wasi_fd_t fd = 0;
    __wasi_filesize_t at = 0;
    char text[8] = {0};
    const __wasi_iovec_t in[] = {
        {(uint8_t*)text, 3}, {(uint8_t*)text + 3, 0}, {(uint8_t*)text + 3, 4}};
    const __wasi_ciovec_t out = {(const uint8_t*)"XY", 2};
    __wasi_size_t moved = 0;

    IS(open_as("data", __WASI_OFLAGS_CREAT, FILE_RIGHTS, 0, &fd), SUCCESS);
    IS(write_text(fd, "0123456789"), SUCCESS);
    IS(__wasi_fd_tell(fd, &at), SUCCESS);
    HOLDS(at == 10);
    IS(__wasi_fd_seek(fd, -4, __WASI_WHENCE_END, &at), SUCCESS);
    HOLDS(at == 6);
    IS(__wasi_fd_seek(fd, -7, __WASI_WHENCE_CUR, &at), INVAL);
    IS(__wasi_fd_seek(fd, 0, 3, &at), INVAL);
    IS(__wasi_fd_pread(fd, in, 3, 2, &moved), SUCCESS);
    HOLDS(moved == 7 && memcmp(text, "2345678", 7) == 0);
    IS(__wasi_fd_pwrite(fd, &out, 1, 20, &moved), SUCCESS);
    HOLDS(size_of(fd) == 22);
    IS(__wasi_fd_tell(fd, &at), SUCCESS);
    HOLDS(at == 6);
    IS(__wasi_fd_pread(fd, in, 3, 100, &moved), SUCCESS);
    HOLDS(moved == 0);
    IS(__wasi_fd_allocate(fd, 0, 64), SUCCESS);
    HOLDS(size_of(fd) == 64);
    IS(__wasi_fd_allocate(fd, 0, 0), INVAL);
    IS(__wasi_fd_advise(fd, 0, 10, __WASI_ADVICE_WILLNEED), SUCCESS);
    IS(__wasi_fd_advise(fd, 0, 10, 6), INVAL);
    IS(__wasi_fd_filestat_set_size(fd, 4), SUCCESS);
    HOLDS(size_of(fd) == 4);
    IS(__wasi_fd_fdstat_set_flags(fd, __WASI_FDFLAGS_APPEND), SUCCESS);
    IS(write_text(fd, "end"), SUCCESS);
    IS(__wasi_fd_pwrite(fd, &out, 1, 0, &moved), SUCCESS);
    HOLDS(size_of(fd) == 7);
    IS(__wasi_fd_fdstat_set_flags(fd, 64), INVAL);
    IS(__wasi_fd_sync(fd), NOTCAPABLE);
    IS(__wasi_fd_close(fd), SUCCESS);
    IS(__wasi_fd_close(fd), BADF);
    IS(__wasi_fd_seek(1, 0, __WASI_WHENCE_CUR, &at), SPIPE);
    IS(__wasi_fd_seek(ROOT, 0, __WASI_WHENCE_CUR, &at), NOTCAPABLE);
}

static void names(void) {
    __wasi_fd_t fd = 0;
    __wasi_filestat_t status;
    char target[8];
    __wasi_size_t length = 0;

    IS(__wasi_path_create_directory(ROOT, "dir"), SUCCESS);
    IS(__wasi_path_create_directory(ROOT, "dir"), EXIST);
    IS(__wasi_path_create_directory(ROOT, "none/dir"), NOENT);
    IS(__wasi_path_symlink("data", ROOT, "soft"), SUCCESS);
    IS(__wasi_path_symlink("/etc", ROOT, "out"), PERM);
    IS(__wasi_path_symlink("loop", ROOT, "loop"), SUCCESS);
    IS(open_as("loop", 0, FILE_RIGHTS, 0, &fd), LOOP);
    IS(__wasi_path_readlink(ROOT, "soft", (uint8_t*)target, 2, &length), SUCCESS);
    HOLDS(length == 2 && memcmp(target, "da", 2) == 0);
    IS(__wasi_path_readlink(ROOT, "data", (uint8_t*)target, 8, &length), INVAL);
    IS(__wasi_path_filestat_get(ROOT, 0, "soft", &status), SUCCESS);
    HOLDS(status.filetype == __WASI_FILETYPE_SYMBOLIC_LINK);
    IS(__wasi_path_filestat_get(ROOT, 1, "soft", &status), SUCCESS);
    HOLDS(status.filetype == __WASI_FILETYPE_REGULAR_FILE);
    IS(__wasi_path_link(ROOT, 0, "data", ROOT, "dir/hard"), SUCCESS);
    IS(__wasi_path_link(ROOT, 0, "data", ROOT, "dir/hard"), EXIST);
    IS(__wasi_path_link(ROOT, 1, "soft", ROOT, "dir/soft"), INVAL);
    IS(__wasi_path_link(ROOT, 0, "dir", ROOT, "dir2"), PERM);
    IS(__wasi_path_rename(ROOT, "dir/hard", ROOT, "moved"), SUCCESS);
    IS(__wasi_path_rename(ROOT, "dir", ROOT, "dir/below"), INVAL);
    IS(__wasi_path_rename(ROOT, "data", ROOT, "dir"), ISDIR);
    IS(__wasi_path_filestat_set_times(ROOT, 0, "moved", 7, 9,
                                      __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_MTIM),
       SUCCESS);
    IS(__wasi_path_filestat_get(ROOT, 0, "data", &status), SUCCESS);
    HOLDS(status.atim == 7 && status.mtim == 9 && status.nlink == 2);
    IS(__wasi_path_filestat_set_times(ROOT, 0, "moved", 7, 9,
                                      __WASI_FSTFLAGS_ATIM | __WASI_FSTFLAGS_ATIM_NOW),
       INVAL);
    IS(__wasi_path_unlink_file(ROOT, "dir"), ISDIR);
    IS(__wasi_path_remove_directory(ROOT, "data"), NOTDIR);
    IS(__wasi_path_unlink_file(ROOT, "loop"), SUCCESS);
    IS(__wasi_path_unlink_file(ROOT, "soft"), SUCCESS);
    IS(__wasi_path_unlink_file(ROOT, "moved"), SUCCESS);
    IS(__wasi_path_remove_directory(ROOT, "dir"), SUCCESS);
    IS(open_as("../data", 0, FILE_RIGHTS, 0, &fd), PERM);
    IS(open_as("/data", 0, FILE_RIGHTS, 0, &fd), PERM);
    IS(open_as("", 0, FILE_RIGHTS, 0, &fd), NOENT);
    IS(open_as("data/", 0, FILE_RIGHTS, 0, &fd), NOTDIR);
    IS(open_as("data", __WASI_OFLAGS_DIRECTORY, FILE_RIGHTS, 0, &fd), NOTDIR);
    IS(open_as("data", __WASI_OFLAGS_CREAT | __WASI_OFLAGS_EXCL, FILE_RIGHTS, 0, &fd), EXIST);
    IS(open_as(".", 0, FILE_RIGHTS, 0, &fd), ISDIR);
}

static void descriptors(void) {
    __wasi_fd_t first = 0, second = 0;
    __wasi_fdstat_t status;
    __wasi_prestat_t prestat;
    char name[16];

    IS(open_as("data", 0, FILE_RIGHTS, 0, &first), SUCCESS);
    IS(open_as("data", 0, __WASI_RIGHTS_FD_READ, 0, &second), SUCCESS);
    IS(write_text(second, "x"), NOTCAPABLE);
    IS(__wasi_fd_fdstat_set_rights(second, FILE_RIGHTS, 0), NOTCAPABLE);
    IS(__wasi_fd_renumber(first, second), SUCCESS);
    IS(__wasi_fd_fdstat_get(first, &status), BADF);
    IS(__wasi_fd_fdstat_get(second, &status), SUCCESS);
    HOLDS(status.fs_rights_base == FILE_RIGHTS &&
          status.fs_filetype == __WASI_FILETYPE_REGULAR_FILE);
    IS(__wasi_fd_renumber(second, 999), BADF);
    IS(__wasi_fd_prestat_get(second, &prestat), BADF);
    IS(__wasi_fd_prestat_get(ROOT, &prestat), SUCCESS);
    IS(__wasi_fd_prestat_dir_name(ROOT, (uint8_t*)name, 0), NAMETOOLONG);
    IS(__wasi_sock_shutdown(second, __WASI_SDFLAGS_RD), NOTSOCK);
    IS(__wasi_fd_close(second), SUCCESS);
}

static void events(void) {
    __wasi_subscription_t wanted[3] = {0};
    __wasi_event_t events[3];
    __wasi_size_t count = 0;
    __wasi_timestamp_t before = 0, after = 0;

    wanted[0].userdata = 10;
    wanted[0].u.tag = __WASI_EVENTTYPE_CLOCK;
    wanted[0].u.u.clock.id = __WASI_CLOCKID_MONOTONIC;
    wanted[0].u.u.clock.timeout = 20000000;
    wanted[1] = wanted[0];
    wanted[1].userdata = 11;
    wanted[1].u.u.clock.timeout = 3600000000000;
    IS(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &before), SUCCESS);
    IS(__wasi_poll_oneoff(wanted, events, 2, &count), SUCCESS);
    IS(__wasi_clock_time_get(__WASI_CLOCKID_MONOTONIC, 1, &after), SUCCESS);
    HOLDS(count == 1 && events[0].userdata == 10 && after - before >= 20000000);
    wanted[2].userdata = 12;
    wanted[2].u.tag = __WASI_EVENTTYPE_FD_WRITE;
    wanted[2].u.u.fd_write.file_descriptor = 77;
    IS(__wasi_poll_oneoff(wanted, events, 3, &count), SUCCESS);
    HOLDS(count == 1 && events[0].userdata == 12 && events[0].error == __WASI_ERRNO_BADF);
    IS(__wasi_poll_oneoff(wanted, events, 0, &count), INVAL);
    IS(__wasi_clock_time_get(9, 1, &after), INVAL);
    IS(__wasi_sched_yield(), SUCCESS);
}

static void listing(void) {
    char name[32];
    uint8_t buffer[100];
    __wasi_size_t used = sizeof buffer;
    __wasi_dircookie_t cookie = 0;
    int entries = 0;

    IS(__wasi_path_create_directory(ROOT, "many"), SUCCESS);
    for (int i = 0; i < 300; i++) {
        __wasi_fd_t fd = 0;
        snprintf(name, sizeof name, "many/%d", i);
        IS(open_as(name, __WASI_OFLAGS_CREAT, FILE_RIGHTS, 0, &fd), SUCCESS);
        IS(__wasi_fd_close(fd), SUCCESS);
    }
    __wasi_fd_t many = 0;
    IS(open_as("many", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READDIR, 0, &many), SUCCESS);
    while (used == sizeof buffer) {
        IS(__wasi_fd_readdir(many, buffer, sizeof buffer, cookie, &used), SUCCESS);
        for (__wasi_size_t at = 0; at + sizeof(__wasi_dirent_t) <= used;) {
            __wasi_dirent_t entry;
            memcpy(&entry, buffer + at, sizeof entry);
            at += sizeof entry + entry.d_namlen;
            if (at > used) break;
            cookie = entry.d_next;
            entries++;
        }
    }
    HOLDS(entries == 302);
    IS(__wasi_fd_close(many), SUCCESS);
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        IS(__wasi_path_unlink_file(ROOT, name), SUCCESS);
    }
    IS(__wasi_path_remove_directory(ROOT, "many"), SUCCESS);
}

int main(void) {
    positions();
    names();
    descriptors();
    events();
    listing();
    IS(__wasi_path_unlink_file(ROOT, "data"), SUCCESS);
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
