#pragma once

#include <vector>

#include "store/unit_codec.hpp"

/// The records of a family's environment (docs/formats/store.md): each has a plain struct and two
/// functions. What is decoded has been verified; decoding names `subject` when it is corrupt.
namespace sojourn::store {

/// Branches grow from 1; this is the parent of the first one.
inline constexpr BranchId kNoBranch{0};

/// Where a branch left its parent.
struct BranchRecord {
    BranchId parent = kNoBranch;
    std::uint32_t reserved = 0;
    Version fork = kNoVersion;  ///< reads go on in the parent at this version
    ProcessId owner;
};
static_assert(sizeof(BranchRecord) == 32);

/// The family as a whole.
struct FamilyRecord {
    std::uint32_t format = 0;
    std::uint32_t unit_bytes = 0;
    Version last_version = kNoVersion;  ///< no durable record names a higher one
    BranchId last_branch = kNoBranch;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(FamilyRecord) == 24);

/// A version that has units and is not published yet.
struct StagedRecord {
    ProcessId process;
    BranchId branch = kNoBranch;
    std::uint32_t reserved = 0;
};
static_assert(sizeof(StagedRecord) == 24);

/// Why a version's units are to be looked through.
enum class SweepReason : std::uint32_t {
    released = 1,   ///< a checkpoint went: some units may have no reader left
    abandoned = 2,  ///< never published: readers skip it, every unit goes
};

struct SweepRecord {
    SweepReason reason = SweepReason::released;
    std::uint32_t next_sequence = 0;  ///< the part of the version's list to go on with
};
static_assert(sizeof(SweepRecord) == 8);

/// Units next to each other that one version wrote.
struct UnitRun {
    RegionId region{0};
    std::uint32_t count = 0;
    UnitIndex first{0};
};
static_assert(sizeof(UnitRun) == 16);

/// The units of all runs of one list: bounds one step of a sweep.
inline constexpr std::size_t kListUnitsMax = 1024;

template <typename Record>
ByteVector encode_record(const Record& record);
/// Allocates nothing unless it fails.
template <typename Record>
Result<Record> decode_record(Bytes value, const char* subject);

ByteVector encode_process(const ProcessRecord& process);
Result<ProcessRecord> decode_process(Bytes value);

/// Without durable_us, which is kept elsewhere.
ByteVector encode_checkpoint(const CheckpointInfo& checkpoint);
Result<CheckpointInfo> decode_checkpoint(Bytes value);

ByteVector encode_runs(std::span<const UnitRun> runs);
Result<std::vector<UnitRun>> decode_runs(Bytes value);

}  // namespace sojourn::store

#include "store/internal/blob.hpp"

namespace sojourn::store {

template <typename Record>
ByteVector encode_record(const Record& record) {
    static_assert(std::has_unique_object_representations_v<Record>, "no padding reaches a disk");
    return seal(std::as_bytes(std::span(&record, 1)));
}

template <typename Record>
Result<Record> decode_record(Bytes value, const char* subject) {
    const Bytes raw = TRY(unseal(value, subject));
    if (raw.size() != sizeof(Record)) {
        return fail(ErrorCode::corrupt, "{} is damaged: it has another size", subject);
    }
    Record record;
    std::memcpy(&record, raw.data(), sizeof record);
    return record;
}

}  // namespace sojourn::store
