#pragma once

#include <memory>

#include "process/attachment.hpp"
#include "process/process.hpp"

namespace sojourn::process {

/// The leases of a checkpoint as they stand in it, all expired: nobody runs, nothing is held.
/// Borrows the host.
class SavedLeases {
public:
    /// Errors: not_found, corrupt, unsupported_format.
    static Result<std::unique_ptr<SavedLeases>> read(const store::Family& family,
                                                     store::Version checkpoint,
                                                     const HostProcess& host);

    /// The same out of what the store keeps with the checkpoint (Family::read_attachment).
    static Result<std::unique_ptr<SavedLeases>> of(Bytes stored, const HostProcess& host);

    [[nodiscard]] leases::LeaseManager& leases() { return *leases_; }
    [[nodiscard]] const FileMoment& files() const { return files_; }

private:
    SavedLeases(const HostProcess& host, std::unique_ptr<leases::Interrupt> interrupt)
        : interrupt_(std::move(interrupt)),
          host_{.clock = host.clock, .random = host.random, .interrupt = *interrupt_} {}

    std::unique_ptr<leases::Interrupt> interrupt_;
    leases::Host host_;
    std::unique_ptr<leases::LeaseManager> leases_;
    FileMoment files_;
};

}  // namespace sojourn::process
