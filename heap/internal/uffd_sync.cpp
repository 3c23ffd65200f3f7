// Linux 5.11 and later: the first write to a clean page raises SIGBUS in the writing thread, which
// lifts the protection and notes the page in a bitmap of ours.

#include "heap/internal/mechanisms.hpp"
#include "heap/internal/page_bitmap.hpp"
#include "heap/internal/racing_copy.hpp"
#include "heap/internal/userfault.hpp"
#include "heap/internal/userfault_abi.hpp"

namespace sojourn::heap {

namespace {

/// What the ranges of one heap share.
struct SharedSync {
    Userfault userfault;
    Mapping staging;  ///< kUnitBytesMax: what was taken out
};

class SyncRange final : public UserfaultRange {
public:
    static Result<std::unique_ptr<TrackedRange>> reserve(const SharedSync& shared,
                                                         std::uint64_t reserve_bytes) {
        PageBitmap dirty = TRY(PageBitmap::create(reserve_bytes / kPageBytes));
        Mapping mapping = TRY(reserve_watched(shared.userfault, reserve_bytes));
        return std::unique_ptr<TrackedRange>(
            new SyncRange(std::move(mapping), shared, std::move(dirty)));
    }

    Result<void> allow_writes(std::uint64_t offset, std::uint64_t length) override {
        // Noted first: once the protection is gone, a write leaves no trace.
        dirty_.set(offset / kPageBytes, length / kPageBytes);
        return userfault_.unprotect(base_ + offset, length);
    }

    Result<void> collect_dirty(std::uint64_t offset, std::uint64_t length, Missing,
                               AfterCollect after, PageRuns& runs) override {
        const std::size_t first_new = runs.size();
        dirty_.append_runs(offset / kPageBytes, length / kPageBytes, runs);
        if (after == AfterCollect::leave_dirty) return {};
        for (std::size_t i = first_new; i < runs.size(); ++i) {
            // Cleared first: a write after the protection sets the bit again.
            dirty_.clear(runs[i]);
            TRY(userfault_.protect(base_ + runs[i].first * kPageBytes, runs[i].count * kPageBytes));
        }
        return {};
    }

    Bytes take_out(std::uint64_t offset, std::uint64_t length) override {
        // Those who want to write now raise a signal and wait for whoever has claimed the block.
        if (!userfault_.protect(base_ + offset, length)) return {};
        // Protected pages: all writes come before the copy.
        racing_copy(base_ + offset, staging_, length);
        return {staging_, length};
    }
    void let_go(std::uint64_t offset, std::uint64_t length) override {
        dirty_.clear({offset / kPageBytes, length / kPageBytes});
        discard(offset, length);
    }
    void put_back(std::uint64_t, std::uint64_t) override {}  // dirty pages may be protected

private:
    SyncRange(Mapping mapping, const SharedSync& shared, PageBitmap dirty)
        : UserfaultRange(std::move(mapping), shared.userfault),
          dirty_(std::move(dirty)),
          staging_(shared.staging.base()) {}

    PageBitmap dirty_;
    std::byte* const staging_;
};

class UffdSync final : public Mechanism {
public:
    explicit UffdSync(SharedSync shared) : shared_(std::move(shared)) {}

    MechanismKind kind() const override { return MechanismKind::uffd_sync; }
    std::uint64_t fill_bytes(std::uint64_t unit_bytes) const override { return unit_bytes; }
    std::uint64_t write_bytes() const override { return kPageBytes; }

    Result<std::unique_ptr<TrackedRange>> reserve(std::uint64_t reserve_bytes) override {
        return SyncRange::reserve(shared_, reserve_bytes);
    }

private:
    SharedSync shared_;
};

}  // namespace

Result<std::unique_ptr<Mechanism>> open_uffd_sync() {
    Userfault userfault = TRY(Userfault::open(UFFD_FEATURE_PAGEFAULT_FLAG_WP));
    Mapping staging = TRY(Mapping::zeros(store::kUnitBytesMax));
    return std::unique_ptr<Mechanism>(
        std::make_unique<UffdSync>(SharedSync{std::move(userfault), std::move(staging)}));
}

}  // namespace sojourn::heap
