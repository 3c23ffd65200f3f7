#include "base/thread_buffer.hpp"

#include <sys/mman.h>

#include "base/check.hpp"

namespace sojourn {

namespace {

/// In front of the buffer, because what frees it is told nothing but its address.
struct alignas(64) Header {
    std::size_t mapped_bytes;
};

void unmap(void* header) {
    ::munmap(header, static_cast<Header*>(header)->mapped_bytes);
}

}  // namespace

ThreadBuffer::ThreadBuffer(std::size_t size_bytes) : size_bytes_(size_bytes) {
    INVARIANT(::pthread_key_create(&key_, unmap) == 0, "there are keys for a few purposes");
}

MutableBytes ThreadBuffer::get() const {
    auto* header = static_cast<Header*>(::pthread_getspecific(key_));
    if (header == nullptr) {
        const std::size_t mapped_bytes = sizeof(Header) + size_bytes_;
        void* memory = ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        INVARIANT(memory != MAP_FAILED, "a thread's buffer fits into memory");
        header = new (memory) Header{mapped_bytes};
        // The C library allocates for this only from the 33rd key of the program on.
        INVARIANT(::pthread_setspecific(key_, header) == 0, "the key was made");
    }
    return {reinterpret_cast<std::byte*>(header + 1), size_bytes_};
}

}  // namespace sojourn
