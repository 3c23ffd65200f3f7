#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "heap/types.hpp"
#include "store/family.hpp"

/// A guest's memory, kept as pages in a store.
///
/// Pages are read when first touched and written back only by commit(). Until then the store
/// holds the previous version, so a crash at any moment loses no committed state.
namespace sojourn::heap {

class Heap;

/// A part of the heap with its own address range, followed by an inaccessible guard. Addresses
/// never change while the heap lives; the reference is good for as long. Touching
/// [base, base + size) pages in; touching the rest of the reservation is a fault that the heap
/// hands to the signal handler that was there before it.
class Region {
public:
    virtual ~Region() = default;

    [[nodiscard]] RegionId id() const { return id_; }
    [[nodiscard]] RegionKind kind() const { return kind_; }
    [[nodiscard]] std::byte* base() const { return base_; }
    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
    [[nodiscard]] std::uint64_t reserve_bytes() const { return reserve_bytes_; }

    /// Makes more of the reservation accessible, as zeros.
    /// Requires: a multiple of kPageBytes, not below size_bytes() nor above reserve_bytes().
    virtual Result<void> grow(std::uint64_t size_bytes) = 0;

    enum class Access { read, write };
    /// Pages [offset, offset + length) in, and for `write` makes it writable and marks it dirty, so
    /// that a system call may be given the address: the kernel answers EFAULT for a missing page
    /// and never waits. Good until the next safepoint.
    /// Requires: the range lies within size_bytes(). Errors: corrupt, io from the store.
    virtual Result<MutableBytes> pin(std::uint64_t offset, std::uint64_t length, Access access) = 0;

protected:
    Region(RegionId id, RegionKind kind, std::byte* base, std::uint64_t size_bytes,
           std::uint64_t reserve_bytes)
        : id_(id),
          kind_(kind),
          base_(base),
          size_bytes_(size_bytes),
          reserve_bytes_(reserve_bytes) {}

    RegionId id_;
    RegionKind kind_;
    std::byte* base_;
    std::uint64_t size_bytes_;
    std::uint64_t reserve_bytes_;
};

struct HeapOptions {
    std::optional<MechanismKind> mechanism;             ///< nullopt: the best that works here
    std::size_t unit_bytes = store::kUnitBytesDefault;  ///< the store's
};

/// The dirty pages of one moment, copied out while the guest stood still. Moves to any thread.
class Snapshot {
public:
    virtual ~Snapshot() = default;
    [[nodiscard]] virtual std::uint64_t dirty_pages() const = 0;
};

struct CommitOptions {
    std::string message;
    store::ProcessState state_after = store::ProcessState::running;
    std::uint64_t requested_at_ns = 0;  ///< monotonic; what durable_us counts from
    std::uint64_t pause_us = 0;         ///< recorded with the checkpoint
};

class Heap {
public:
    /// An empty heap whose first commit will be `token`'s next version.
    /// Borrows `clock`; shares the family. Errors: unsupported (mechanism), out_of_memory.
    static Result<std::unique_ptr<Heap>> create(std::shared_ptr<store::Family> family,
                                                store::FencingToken token, const Clock& clock,
                                                const HeapOptions& options);

    /// The heap as the token's process last published it: the regions are there with their
    /// sizes, their pages come when touched. Errors: as create(), not_found, corrupt.
    static Result<std::unique_ptr<Heap>> open(std::shared_ptr<store::Family> family,
                                              store::FencingToken token, const Clock& clock,
                                              const HeapOptions& options);
    virtual ~Heap() = default;

    virtual Result<Region*> add_region(const RegionSpec& spec) = 0;
    /// nullptr when there is none. Ids count from 1 in the order of creation.
    virtual Region* region(RegionId id) = 0;
    virtual std::vector<Region*> regions() = 0;

    /// What was committed with the version that was opened, without the heap's own part.
    virtual Bytes attachment() const = 0;

    /// Copies the dirty pages out and starts tracking afresh. Cheap next to commit(): this is the
    /// pause. Requires: no guest code is running, and no other snapshot is uncommitted.
    virtual Result<std::unique_ptr<Snapshot>> snapshot() = 0;

    /// Makes a snapshot and `attachment` one new version: both or neither. The guest may run.
    /// After an error the snapshot's pages count as dirty again, so that the next one finds them.
    /// Errors: lease_lost, store_full, io.
    virtual Result<store::CheckpointInfo> commit(std::unique_ptr<Snapshot> snapshot,
                                                 Bytes attachment,
                                                 const CommitOptions& options) = 0;

    virtual MechanismKind mechanism() const = 0;
    virtual HeapStats stats() const = 0;

    /// Walks every structure; each sentence is something that does not hold.
    virtual std::vector<std::string> verify() = 0;
};

/// What commit() was given as `attachment`, out of what the store keeps with the version
/// (Family::read_attachment); a view into it. Errors: corrupt, unsupported_format.
Result<Bytes> committed_attachment(Bytes stored);

}  // namespace sojourn::heap
