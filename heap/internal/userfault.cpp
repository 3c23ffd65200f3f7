#include "heap/internal/userfault.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "heap/internal/userfault_abi.hpp"
#include "store/types.hpp"

namespace sojourn::heap {

namespace {

alignas(kPageBytes) constexpr std::array<std::byte, store::kUnitBytesMax> kZeros{};

std::uint64_t address_of(const std::byte* pointer) {
    return reinterpret_cast<std::uint64_t>(pointer);
}

}  // namespace

Result<Userfault> Userfault::open(std::uint64_t features) {
    const auto fd = ::syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (fd < 0) {
        return fail(ErrorCode::unsupported, "this host grants no userfaultfd: {}",
                    std::strerror(errno));
    }
    UniqueFd owner(static_cast<int>(fd));
    uffdio_api api{};
    api.api = UFFD_API;
    api.features = UFFD_FEATURE_SIGBUS | features;
    if (::ioctl(owner.get(), UFFDIO_API, &api) != 0) {
        return fail(ErrorCode::unsupported, "this kernel's userfaultfd lacks features {:#x}: {}",
                    features, std::strerror(errno));
    }
    return Userfault(std::move(owner));
}

Result<void> Userfault::watch(std::byte* base, std::uint64_t length) const {
    uffdio_register request{};
    request.range = {address_of(base), length};
    request.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
    if (::ioctl(fd_.get(), UFFDIO_REGISTER, &request) == 0) return {};
    return fail_errno(errno, "userfaultfd cannot watch {} bytes", length);
}

Result<void> Userfault::copy(std::byte* to, Bytes bytes, Filled filled) const {
    while (!bytes.empty()) {
        uffdio_copy request{};
        request.dst = address_of(to);
        request.src = address_of(bytes.data());
        request.len = bytes.size();
        request.mode = filled == Filled::protected_pages ? UFFDIO_COPY_MODE_WP : 0;
        if (::ioctl(fd_.get(), UFFDIO_COPY, &request) == 0) return {};
        const int reason = errno;
        std::size_t done = request.copy > 0 ? static_cast<std::size_t>(request.copy) : 0;
        if (reason == EEXIST) {
            done = kPageBytes;  // the page is there, which is all that was wanted
        } else if (reason != EAGAIN) {
            return fail_errno(reason, "userfaultfd cannot fill {} bytes", bytes.size());
        }
        to += done;
        bytes = bytes.subspan(done);
    }
    return {};
}

std::uint64_t Userfault::move(std::byte* to, std::byte* from, std::uint64_t length) const {
    std::uint64_t done = 0;
    while (done < length) {
        abi::Move request{address_of(to) + done, address_of(from) + done, length - done, 0, 0};
        const bool finished = ::ioctl(fd_.get(), abi::kMove, &request) == 0;
        if (request.moved > 0) done += static_cast<std::uint64_t>(request.moved);
        if (!finished && errno != EAGAIN) break;
    }
    return done;
}

Result<void> Userfault::protect(std::byte* base, std::uint64_t length) const {
    return set_protection(base, length, UFFDIO_WRITEPROTECT_MODE_WP);
}

Result<void> Userfault::unprotect(std::byte* base, std::uint64_t length) const {
    return set_protection(base, length, 0);
}

Result<void> Userfault::set_protection(std::byte* base, std::uint64_t length,
                                       std::uint64_t mode) const {
    uffdio_writeprotect request{};
    request.range = {address_of(base), length};
    request.mode = mode;
    while (::ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &request) != 0) {
        if (errno == EAGAIN) continue;
        return fail_errno(errno, "userfaultfd cannot change the protection of {} bytes", length);
    }
    return {};
}

Result<Mapping> UserfaultRange::reserve_watched(const Userfault& userfault,
                                                std::uint64_t reserve_bytes) {
    const std::uint64_t watched = std::max<std::uint64_t>(reserve_bytes, kPageBytes);
    Mapping mapping = TRY(Mapping::reserve(watched + kGuardBytes));
    // A huge page would make one dirty page out of 512. Kernels without huge pages refuse the
    // advice, and need none.
    ::madvise(mapping.base(), watched, MADV_NOHUGEPAGE);
    TRY(userfault.watch(mapping.base(), watched));
    return mapping;
}

Result<void> UserfaultRange::extend(std::uint64_t from, std::uint64_t to) {
    if (::mprotect(base_ + from, to - from, PROT_READ | PROT_WRITE) == 0) return {};
    return fail_errno(errno, "cannot grow a region by {} bytes", to - from);
}

Result<void> UserfaultRange::install(std::uint64_t offset, Bytes bytes) {
    return userfault_.copy(base_ + offset, bytes);
}

Result<void> UserfaultRange::install_zeros(std::uint64_t offset, std::uint64_t length) {
    while (length > 0) {
        const std::uint64_t piece = std::min<std::uint64_t>(length, kZeros.size());
        TRY(userfault_.copy(base_ + offset, Bytes(kZeros).first(piece)));
        offset += piece;
        length -= piece;
    }
    return {};
}

void UserfaultRange::discard(std::uint64_t offset, std::uint64_t length) {
    const bool discarded = ::madvise(base_ + offset, length, MADV_DONTNEED) == 0;
    INVARIANT(discarded, "private memory can be given back");
}

bool kernel_can_write(std::byte* page) {
    return ::getrandom(page, 1, GRND_NONBLOCK) == 1 || errno != EFAULT;
}

}  // namespace sojourn::heap
