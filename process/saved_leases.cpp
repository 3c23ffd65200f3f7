#include "process/saved_leases.hpp"

#include "heap/heap.hpp"
#include "process/attachment.hpp"

namespace sojourn::process {

Result<std::unique_ptr<SavedLeases>> SavedLeases::read(const store::Family& family,
                                                       store::Version checkpoint,
                                                       const HostProcess& host) {
    const ByteVector stored = TRY(family.read_attachment(checkpoint));
    return of(stored, host);
}

Result<std::unique_ptr<SavedLeases>> SavedLeases::of(Bytes stored, const HostProcess& host) {
    const Bytes committed = TRY(heap::committed_attachment(stored));
    const auto attachment = TRY(decode_attachment(committed));
    auto interrupt = TRY(leases::Interrupt::create());
    std::unique_ptr<SavedLeases> saved(new SavedLeases(host, std::move(interrupt)));
    saved->files_ = attachment.files;
    // Nothing is done under this epoch.
    saved->leases_ =
        TRY(leases::LeaseManager::restore(attachment.leases, saved->host_, store::Epoch{0}));
    return saved;
}

}  // namespace sojourn::process
