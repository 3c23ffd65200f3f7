#pragma once

#include "process/stored_checkpoint.hpp"

/// What two checkpoints have that is not the same.
namespace sojourn::process {

struct RegionDifference {
    heap::RegionId id{0};
    heap::RegionKind kind = heap::RegionKind::memory;
    std::uint64_t left_bytes = 0;   ///< its size; 0 where it is not there
    std::uint64_t right_bytes = 0;  ///< the same
    std::uint64_t units = 0;  ///< that had to be compared: the others both have from one place
    std::uint64_t pages = 0;  ///< 4 KiB pages that differ
    std::uint64_t bytes = 0;  ///< that differ in these
};

/// A call that only one side has, or that both have and that went on.
struct FrameDifference {
    std::optional<vm::BacktraceFrame> left;
    std::optional<vm::BacktraceFrame> right;
};

struct ThreadDifference {
    std::uint64_t same = 0;  ///< frames that stand where they stood and hold what they held
    /// Outermost first; at most 2 · vm::kBacktraceEnd of them.
    std::vector<FrameDifference> frames;
    std::uint64_t left_out = 0;
};

struct GlobalDifference {
    std::size_t instance = 0;
    vm::StoredMachine::Global left;
    vm::StoredMachine::Global right;
};

struct Difference {
    std::vector<RegionDifference> regions;  ///< by id, those that differ
    std::vector<ThreadDifference> threads;  ///< by thread
    std::vector<GlobalDifference> globals;
    std::vector<leases::Lease> left_leases;  ///< what only one side has open
    std::vector<leases::Lease> right_leases;
};

/// Checkpoints of one family are compared where their versions part: what both have from the same
/// version is not read. Errors: corrupt, io; not_found when one was removed meanwhile.
Result<Difference> difference(StoredCheckpoint& left, StoredCheckpoint& right);

}  // namespace sojourn::process
