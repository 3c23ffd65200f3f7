# Cross-compiles for 64-bit ARM with Debian's compiler. Libraries come from the sysroot beside the
# build, which `./dev build --preset aarch64` fills; the C library is the compiler's own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
# As on x86-64: by itself, char is unsigned here.
set(CMAKE_CXX_FLAGS_INIT -fsigned-char)

set(CMAKE_FIND_ROOT_PATH ${CMAKE_BINARY_DIR}/sysroot)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# Where Debian puts the headers that differ from CPU to CPU.
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES
    ${CMAKE_BINARY_DIR}/sysroot/usr/include/${CMAKE_LIBRARY_ARCHITECTURE})

# What the build itself has to run, as for the manual pages.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
