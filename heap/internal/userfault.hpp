#pragma once

#include "base/file.hpp"
#include "heap/internal/mapping.hpp"
#include "heap/mechanism.hpp"

namespace sojourn::heap {

/// A userfaultfd whose faults are resolved in the faulting thread: a missing or write-protected
/// page raises SIGBUS there. Needs no privilege, since faults of the kernel itself are refused
/// (EFAULT). Usable from any thread and from the fault handler.
class Userfault {
public:
    /// `features` on top of SIGBUS. Errors: unsupported.
    static Result<Userfault> open(std::uint64_t features);

    /// Missing and write-protected pages of [base, base + length) fault from now on.
    Result<void> watch(std::byte* base, std::uint64_t length) const;

    /// Fills missing pages; pages that are there already stay as they are.
    enum class Filled { protected_pages, open_pages };
    Result<void> copy(std::byte* to, Bytes bytes, Filled filled = Filled::protected_pages) const;
    /// Moves pages to missing ones of a watched range, each in one step for everybody who uses it,
    /// and says how many bytes went before the kernel refused a page, if it did: at least so many.
    [[nodiscard]] std::uint64_t move(std::byte* to, std::byte* from, std::uint64_t length) const;
    Result<void> protect(std::byte* base, std::uint64_t length) const;
    Result<void> unprotect(std::byte* base, std::uint64_t length) const;

private:
    explicit Userfault(UniqueFd fd) : fd_(std::move(fd)) {}
    Result<void> set_protection(std::byte* base, std::uint64_t length, std::uint64_t mode) const;

    UniqueFd fd_;
};

/// A private mapping watched by a userfaultfd: what the two uffd mechanisms have in common.
/// Borrows the userfaultfd.
class UserfaultRange : public TrackedRange {
public:
    Result<void> extend(std::uint64_t from, std::uint64_t to) override;
    Result<void> install(std::uint64_t offset, Bytes bytes) override;
    Result<void> install_zeros(std::uint64_t offset, std::uint64_t length) override;

protected:
    /// Turns pages that are there into missing ones.
    void discard(std::uint64_t offset, std::uint64_t length);

    /// Reserves `reserve_bytes` and a guard, and watches the former.
    static Result<Mapping> reserve_watched(const Userfault& userfault, std::uint64_t reserve_bytes);
    UserfaultRange(Mapping mapping, const Userfault& userfault)
        : TrackedRange(mapping.base()), mapping_(std::move(mapping)), userfault_(userfault) {}

    Mapping mapping_;
    const Userfault& userfault_;
};

/// Whether a system call that is given `page` can store to it: false (EFAULT) when a userfaultfd
/// has it missing or protected. What the probes ask.
bool kernel_can_write(std::byte* page);

}  // namespace sojourn::heap
