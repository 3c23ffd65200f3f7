// C++ exceptions as the compiler makes them: destructors on the way, catch, and throw again.
// Debian's library for this target has none, so the little that they need stands here.
#include <stdio.h>

extern "C" {
static void* thrown;

// Not inlined: clang 16 crashes on a throw of its own that has a place to land.
[[gnu::noinline]] static void throw_pointer(void* exception) {
    thrown = exception;
    __builtin_wasm_throw(0, exception);
}
void* __cxa_begin_catch(void* exception) {
    return exception;
}
void __cxa_end_catch() {}
void __cxa_rethrow() {
    throw_pointer(thrown);
}
int __gxx_wasm_personality_v0() {
    return 0;
}
}

struct Guard {
    int level;
    ~Guard() { printf("left %d\n", level); }
};

[[gnu::noinline]] static int descend(int levels) {
    const Guard guard{levels};
    if (levels > 0) return descend(levels - 1) + 1;
    throw_pointer(&thrown);
    return 0;
}

[[gnu::noinline]] static int catch_below(int levels) {
    try {
        return descend(levels);
    } catch (...) {
        puts("passed on");
        throw;
    }
}

int main() {
    int caught = 0;
    for (int levels = 0; levels < 4; ++levels) {
        try {
            catch_below(levels);
        } catch (...) {
            printf("caught %d\n", ++caught);
        }
    }
    return caught;
}
