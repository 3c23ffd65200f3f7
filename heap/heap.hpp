#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
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
class Region;

/// Bytes of a region, which stay in memory while it lives. Borrows the region.
class Pin : public MutableBytes {
public:
    Pin() = default;
    Pin(Pin&& other) noexcept
        : MutableBytes(other), region_(std::exchange(other.region_, nullptr)) {}
    Pin& operator=(Pin&& other) noexcept {
        std::swap<MutableBytes>(*this, other);
        std::swap(region_, other.region_);
        return *this;
    }
    ~Pin();

private:
    friend class Region;
    Pin(Region& region, MutableBytes bytes) : MutableBytes(bytes), region_(&region) {}

    Region* region_ = nullptr;
};

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
    /// The address, too, is good as long as the region.
    [[nodiscard]] const std::uint64_t& size_bytes() const { return size_bytes_; }
    [[nodiscard]] std::uint64_t reserve_bytes() const { return reserve_bytes_; }

    /// Makes more of the reservation accessible, as zeros.
    /// Requires: a multiple of kPageBytes, not below size_bytes() nor above reserve_bytes().
    virtual Result<void> grow(std::uint64_t size_bytes) = 0;

    enum class Access { read, write };
    /// Pages [offset, offset + length) in, and for `write` makes it writable and marks it dirty, so
    /// that a system call may be given the address: the kernel answers EFAULT for a missing page
    /// and never waits. The pages stay as long as the Pin, even where the cache is full, but may
    /// be written through it only until the next safepoint.
    /// Requires: the range lies within size_bytes(). Errors: corrupt, io from the store.
    Result<Pin> pin(std::uint64_t offset, std::uint64_t length, Access access) {
        TRY(hold(offset, length, access));
        return Pin(*this, MutableBytes(base_ + offset, length));
    }

protected:
    friend class Pin;
    virtual Result<void> hold(std::uint64_t offset, std::uint64_t length, Access access) = 0;
    virtual void let_loose(std::uint64_t offset, std::uint64_t length) = 0;

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

inline Pin::~Pin() {
    if (region_ == nullptr) return;
    region_->let_loose(static_cast<std::uint64_t>(data() - region_->base()), size());
}

/// The smallest HeapOptions::cache_bytes. One machine instruction touches four pages at most (an
/// unaligned move from memory to memory), which are 64 KiB apiece at worst; twice that, so that
/// what came for one access is still there for the next.
inline constexpr std::uint64_t kCacheBytesMin = std::uint64_t{512} << 10U;

struct HeapOptions {
    std::optional<MechanismKind> mechanism;             ///< nullopt: the best that works here
    std::size_t unit_bytes = store::kUnitBytesDefault;  ///< the store's

    /// Most memory that pages of all regions and the copies of a snapshot take together, at least
    /// kCacheBytesMin. nullopt: what was touched stays in memory, and nothing is evicted.
    std::optional<std::uint64_t> cache_bytes = std::nullopt;
    /// Where the nameless file for dirty units that had to leave memory is made; only needed with
    /// `cache_bytes`. Empty: $TMPDIR, else /tmp.
    std::filesystem::path scratch_directory = {};
    /// open() begins to bring in what was in memory at the checkpoint, on a thread of its own.
    bool prefetch = false;
};

/// The dirty pages of one moment, copied out while the guest stood still, or lying in the scratch
/// file already. Moves to any thread; shares what it needs of the heap.
class Snapshot {
public:
    virtual ~Snapshot() = default;
    [[nodiscard]] virtual std::uint64_t dirty_pages() const = 0;
    /// What did not fit the buffer for copies and was written to the scratch file during the pause.
    [[nodiscard]] virtual std::uint64_t residue_bytes() const = 0;
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
    /// Borrows `clock`; shares the family. Errors: unsupported (mechanism), out_of_memory,
    /// invalid_argument (a cache below the smallest), and the host's for the scratch directory.
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

    /// How much a version published now would write at most, not counting what commit() failed to.
    /// A guess while the guest runs. Usable from any thread while no region is added.
    [[nodiscard]] virtual std::uint64_t dirty_bytes_estimate() const = 0;

    /// Gives the next version what is dirty, while the guest runs, so that little is left for the
    /// pause of the next snapshot(): rounds of which each writes ahead what was dirtied during the
    /// one before, until little is left, they don't get smaller, or `stop` is set (pre-copy: Clark
    /// et al., Live Migration of Virtual Machines, NSDI 2005). No rounds: it is only read ahead. On
    /// one thread; no region is added, no snapshot uncommitted. Errors: as commit(), undone.
    virtual Result<void> precopy(unsigned rounds_max, const std::atomic<bool>& stop) = 0;

    /// Copies the dirty pages out and starts tracking afresh. Cheap next to commit(): this is the
    /// pause. Requires: no guest code is running, and no other snapshot is uncommitted.
    /// Errors: store_full when the scratch file cannot take what the buffer for copies cannot; the
    /// pages count as dirty then.
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
