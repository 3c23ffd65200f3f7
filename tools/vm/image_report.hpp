#pragma once

#include <vector>

#include "heap/saved_regions.hpp"
#include "leases/lease.hpp"
#include "process/process.hpp"
#include "store/image.hpp"
#include "tools/vm/output.hpp"

/// What an image holds, and what it needs, as `vm inspect image` tells it.
namespace sojourn::tools {

struct ImageReport {
    struct Module {
        Sha256 digest;
        std::uint64_t bytes = 0;
    };
    struct Checkpoint {
        store::CheckpointInfo info;  ///< `parent`: what its units are a difference from
        Sha256 identity;
        std::uint64_t units = 0;
        std::uint64_t unit_bytes = 0;  ///< as they lie in the image
    };

    store::ImageHeader header;
    store::ImageTotals totals;
    std::vector<Module> modules;
    std::vector<Checkpoint> checkpoints;
    std::vector<Sha256> modules_needed;      ///< by the head; the base has those that are not there
    std::vector<heap::SavedRegion> regions;  ///< of the head
    std::vector<leases::Lease> leases;       ///< of the head
};

/// Reads all of an image and verifies it as an import would. Errors: those of store::read_image();
/// corrupt, unsupported_format for a head that no process could be made of.
Result<ImageReport> report_on_image(const store::ByteSource& source,
                                    const process::HostProcess& host);

Json json_of(const ImageReport& report);
Result<void> print_report(const ImageReport& report);

}  // namespace sojourn::tools
