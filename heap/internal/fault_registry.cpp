#include "heap/internal/fault_registry.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "base/check.hpp"

namespace sojourn::heap {

namespace internal {

/// One registered range. Slots are linked once and used again, never freed, so that a handler may
/// walk the list at any moment; `base` is 0 while a slot is free, and written last.
struct FaultSlot {
    std::atomic<std::uintptr_t> base = 0;
    std::atomic<std::uint64_t> length = 0;
    std::atomic<FaultTarget*> target = nullptr;
    FaultSlot* next = nullptr;
};

}  // namespace internal

namespace {

using internal::FaultSlot;

// A signal handler has no argument of ours: what it needs can only be found through globals.
std::atomic<FaultSlot*> first_slot = nullptr;
std::mutex registry_mutex;
struct sigaction previous_segv;
struct sigaction previous_bus;

FaultTarget* target_of(std::uintptr_t address) {
    for (FaultSlot* slot = first_slot.load(); slot != nullptr; slot = slot->next) {
        const std::uintptr_t base = slot->base.load();
        if (base == 0 || address < base || address - base >= slot->length.load()) continue;
        FaultTarget* target = slot->target.load();
        // Another thread may have been using the slot anew between the loads.
        if (slot->base.load() == base) return target;
    }
    return nullptr;
}

/// Does what would have happened without our handler.
void hand_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& previous = signal == SIGSEGV ? previous_segv : previous_bus;
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
        previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
        // The access is made again after the return and now ends the process, with the true
        // address in its core. A signal that was sent does not repeat itself.
        ::sigaction(signal, &previous, nullptr);
        if (info->si_code <= 0) ::raise(signal);
    } else {
        previous.sa_handler(signal);
    }
}

void on_signal(int signal, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    auto* const address = static_cast<std::byte*>(info->si_addr);
    bool resolved = false;
    if (info->si_code > 0) {  // a fault, not a signal that somebody sent
        FaultTarget* target = target_of(reinterpret_cast<std::uintptr_t>(address));
        resolved = target != nullptr && target->resolve_fault(address);
    }
    if (!resolved) hand_on(signal, info, context);
    errno = saved_errno;
}

void install_handler() {
    struct sigaction action {};
    action.sa_sigaction = on_signal;
    // Not deferred: a fault of our own in the handler must end the process, not hang it.
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    const bool installed = ::sigaction(SIGSEGV, &action, &previous_segv) == 0 &&
                           ::sigaction(SIGBUS, &action, &previous_bus) == 0;
    INVARIANT(installed, "SIGSEGV and SIGBUS can be caught");
}

FaultSlot* free_slot() {
    for (FaultSlot* slot = first_slot.load(); slot != nullptr; slot = slot->next) {
        if (slot->base.load() == 0) return slot;
    }
    auto* slot = new FaultSlot;
    slot->next = first_slot.load();
    first_slot.store(slot);
    return slot;
}

}  // namespace

FaultRegistration::FaultRegistration(std::byte* base, std::uint64_t length, FaultTarget& target) {
    const std::lock_guard lock(registry_mutex);
    static const bool installed = (install_handler(), true);
    static_cast<void>(installed);
    slot_ = free_slot();
    slot_->length.store(length);
    slot_->target.store(&target);
    slot_->base.store(reinterpret_cast<std::uintptr_t>(base));
}

FaultRegistration::~FaultRegistration() {
    slot_->base.store(0);
}

}  // namespace sojourn::heap
