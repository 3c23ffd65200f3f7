#include "heap/internal/mapping.hpp"

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>

#include "heap/types.hpp"

namespace sojourn::heap {

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(base_, other.base_);
    std::swap(length_, other.length_);
    return *this;
}

Mapping::~Mapping() {
    if (base_ != nullptr) ::munmap(base_, length_);
}

Result<Mapping> Mapping::reserve(std::uint64_t length) {
    return map(length, PROT_NONE);
}

Result<Mapping> Mapping::zeros(std::uint64_t length) {
    return map(length, PROT_READ | PROT_WRITE);
}

Result<Mapping> Mapping::buffer(std::uint64_t length) {
    Mapping mapping = TRY(zeros(length));
    ::madvise(mapping.base(), mapping.length(), MADV_HUGEPAGE);  // as good without it, but slower
    return mapping;
}

Result<Mapping> Mapping::map(std::uint64_t length, int protection) {
    const std::uint64_t mapped = std::max<std::uint64_t>(length, kPageBytes);
    void* base =
        ::mmap(nullptr, mapped, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return fail_errno(errno, "cannot get {} bytes of address space (see ulimit -v)", mapped);
    }
    Mapping mapping;
    mapping.base_ = static_cast<std::byte*>(base);
    mapping.length_ = mapped;
    return mapping;
}

}  // namespace sojourn::heap
