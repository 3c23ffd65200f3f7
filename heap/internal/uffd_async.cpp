// Linux 6.7 and later: a write to a clean page costs no signal, since the kernel itself lifts the
// protection and remembers it; PAGEMAP_SCAN reads that memory and protects again in one walk.

#include <array>
#include <cerrno>
#include <fcntl.h>

#include "heap/internal/mechanisms.hpp"
#include "heap/internal/userfault.hpp"
#include "heap/internal/userfault_abi.hpp"

namespace sojourn::heap {

namespace {

class AsyncRange final : public UserfaultRange {
public:
    static Result<std::unique_ptr<TrackedRange>> reserve(const Userfault& userfault,
                                                         const UniqueFd& pagemap,
                                                         std::uint64_t reserve_bytes) {
        Mapping mapping = TRY(reserve_watched(userfault, reserve_bytes));
        return std::unique_ptr<TrackedRange>(
            new AsyncRange(std::move(mapping), userfault, pagemap));
    }

    Result<void> allow_writes(std::uint64_t, std::uint64_t) override { return {}; }
    Result<void> collect_dirty(std::uint64_t offset, std::uint64_t length, AfterCollect after,
                               PageRuns& runs) override;

private:
    AsyncRange(Mapping mapping, const Userfault& userfault, const UniqueFd& pagemap)
        : UserfaultRange(std::move(mapping), userfault), pagemap_(pagemap) {}

    const UniqueFd& pagemap_;
};

Result<void> AsyncRange::collect_dirty(std::uint64_t offset, std::uint64_t length,
                                       AfterCollect after, PageRuns& runs) {
    std::array<abi::PageRegion, 256> found;
    const auto base = reinterpret_cast<std::uint64_t>(base_);
    abi::PagemapScan scan{};
    scan.size = sizeof scan;
    scan.flags =
        after == AfterCollect::track_afresh ? abi::kScanWriteProtect | abi::kScanCheckAsync : 0;
    scan.start = base + offset;
    scan.end = base + offset + length;
    scan.vec = reinterpret_cast<std::uint64_t>(found.data());
    scan.vec_len = found.size();
    // Not `present` as well: a dirty page that the host has swapped out is written, not present.
    scan.category_mask = abi::kPageIsWritten;
    scan.return_mask = abi::kPageIsWritten;
    while (scan.start < scan.end) {
        const int count = ::ioctl(pagemap_.get(), abi::kPagemapScan, &scan);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot scan {} bytes for dirty pages", length);
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
            runs.push_back({(found[i].start - base) / kPageBytes,
                            (found[i].end - found[i].start) / kPageBytes});
        }
        scan.start = scan.walk_end;
    }
    return {};
}

class UffdAsync final : public Mechanism {
public:
    UffdAsync(Userfault userfault, UniqueFd pagemap)
        : userfault_(std::move(userfault)), pagemap_(std::move(pagemap)) {}

    MechanismKind kind() const override { return MechanismKind::uffd_async; }
    std::uint64_t fill_bytes(std::uint64_t unit_bytes) const override { return unit_bytes; }
    std::uint64_t write_bytes() const override { return kPageBytes; }

    Result<std::unique_ptr<TrackedRange>> reserve(std::uint64_t reserve_bytes) override {
        return AsyncRange::reserve(userfault_, pagemap_, reserve_bytes);
    }

private:
    Userfault userfault_;
    UniqueFd pagemap_;
};

}  // namespace

Result<std::unique_ptr<Mechanism>> open_uffd_async() {
    Userfault userfault = TRY(Userfault::open(abi::kFeatureWpAsync | abi::kFeatureWpUnpopulated));
    UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!pagemap.valid()) {
        return fail(ErrorCode::unsupported, "cannot open /proc/self/pagemap: {}",
                    std::strerror(errno));
    }
    return std::unique_ptr<Mechanism>(
        std::make_unique<UffdAsync>(std::move(userfault), std::move(pagemap)));
}

}  // namespace sojourn::heap
