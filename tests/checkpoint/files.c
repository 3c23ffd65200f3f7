// Files in the first directory it is given: appended to, read back, sought in, listed, removed.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void die(const char* what) {
    perror(what);
    exit(1);
}

int main(int argc, char** argv) {
    const char* name = argc > 1 ? argv[1] : "log.txt";
    const int log = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (log < 0) die(name);
    for (int i = 0; i < 8; i++) {
        char line[32];
        const int length = snprintf(line, sizeof line, "line %d\n", i);
        if (write(log, line, (size_t)length) != length) die("write");
    }
    close(log);

    const int again = open(name, O_RDWR);
    char text[8] = {0};
    if (again < 0 || lseek(again, 14, SEEK_SET) != 14 || read(again, text, 6) != 6) die("read");
    if (pwrite(again, "LINE", 4, 0) != 4) die("pwrite");
    struct stat status;
    if (fstat(again, &status) != 0) die("fstat");
    close(again);

    if (mkdir("sub", 0755) != 0 || rename(name, "sub/moved") != 0) die("rename");
    DIR* folder = opendir("sub");
    if (folder == NULL) die("opendir");
    int entries = 0;
    for (struct dirent* entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') entries++;
    closedir(folder);
    printf("read %s, %lld bytes, %d entries, %s\n", text, (long long)status.st_size, entries,
           getenv("GREETING") != NULL ? getenv("GREETING") : "no greeting");
    return 0;
}
