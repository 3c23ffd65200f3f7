// Sends back what it receives, one connection after the other, until one says "quit". The listening
// socket is the descriptor in its first argument.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wasi/api.h>

static int serve(int connection) {
    char text[256];
    for (;;) {
        __wasi_iovec_t in = {(uint8_t*)text, sizeof text};
        __wasi_size_t received = 0;
        __wasi_roflags_t flags = 0;
        const __wasi_errno_t error = __wasi_sock_recv(connection, &in, 1, 0, &received, &flags);
        if (error != 0) {
            printf("receive: errno %d\n", error);
            return 1;
        }
        if (received == 0) return 1;
        if (received >= 4 && memcmp(text, "quit", 4) == 0) return 0;
        __wasi_ciovec_t out = {(const uint8_t*)text, received};
        __wasi_size_t sent = 0;
        if (__wasi_sock_send(connection, &out, 1, 0, &sent) != 0) return 1;
    }
}

int main(int argc, char** argv) {
    const int listener = argc > 1 ? atoi(argv[1]) : 3;
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (;;) {
        __wasi_fd_t connection = 0;
        const __wasi_errno_t error = __wasi_sock_accept(listener, 0, &connection);
        if (error != 0) {
            printf("accept: errno %d\n", error);
            return 1;
        }
        const int goes_on = serve((int)connection);
        const __wasi_sdflags_t both = __WASI_SDFLAGS_RD | __WASI_SDFLAGS_WR;
        if (__wasi_sock_shutdown(connection, both) != 0) puts("the peer was faster");
        close((int)connection);
        puts("served");
        if (!goes_on) return 0;
    }
}
