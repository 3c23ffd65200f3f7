#pragma once

#include <cstddef>
#include <cstdint>

namespace sojourn::heap {

/// Answers for faults in a range of addresses.
class FaultTarget {
public:
    virtual ~FaultTarget() = default;

    /// Makes the access to `address` possible, in the faulting thread; it is then made again.
    /// False: not ours, the next handler may have it. Any number of threads at once.
    virtual bool resolve_fault(std::byte* address) = 0;
};

namespace internal {
struct FaultSlot;
}

/// Sends faults in [base, base + length) to `target` while it lives. Borrows the target.
///
/// The first one installs a handler for SIGSEGV and SIGBUS, once a host process. It runs on the
/// alternate stack where the thread has one, and hands what no target wants to the handler that
/// was there before.
class FaultRegistration {
public:
    FaultRegistration(std::byte* base, std::uint64_t length, FaultTarget& target);
    ~FaultRegistration();
    FaultRegistration(const FaultRegistration&) = delete;
    FaultRegistration& operator=(const FaultRegistration&) = delete;

private:
    internal::FaultSlot* slot_;
};

}  // namespace sojourn::heap
