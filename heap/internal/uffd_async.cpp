// Linux 6.7 and later: a write to a clean page costs no signal, since the kernel itself lifts the
// protection and remembers it; PAGEMAP_SCAN reads that memory and protects again in one walk. Since
// nobody is asked before a write, a page leaves by being moved away under the writers' feet (6.8).

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>

#include "heap/internal/cold_areas.hpp"
#include "heap/internal/mechanisms.hpp"
#include "heap/internal/userfault.hpp"
#include "heap/internal/userfault_abi.hpp"

namespace sojourn::heap {

namespace {

/// What the ranges of one heap share.
struct SharedAsync {
    Userfault userfault;
    UniqueFd pagemap;
    Mapping staging;  ///< kUnitBytesMax, watched: where pages are moved to
};

class AsyncRange final : public UserfaultRange {
public:
    static Result<std::unique_ptr<TrackedRange>> reserve(const SharedAsync& shared,
                                                         std::uint64_t reserve_bytes) {
        Mapping mapping = TRY(reserve_watched(shared.userfault, reserve_bytes));
        ColdAreas cold = TRY(ColdAreas::create(mapping.base(), reserve_bytes));
        return std::unique_ptr<TrackedRange>(
            new AsyncRange(std::move(mapping), shared, std::move(cold)));
    }

    Result<void> allow_writes(std::uint64_t offset, std::uint64_t length) override {
        return cold_.warm_up(offset, length);
    }
    Result<void> collect_dirty(std::uint64_t offset, std::uint64_t length, Missing missing,
                               AfterCollect after, PageRuns& runs) override {
        return cold_.for_each_warm(offset, length, [&](std::uint64_t begin, std::uint64_t bytes) {
            return scan(begin, bytes, missing, after, runs);
        });
    }
    void cool_down(std::uint64_t length, const IsPinned& is_pinned) override;

    Bytes take_out(std::uint64_t offset, std::uint64_t length) override;
    void let_go(std::uint64_t, std::uint64_t length) override { clear_staging(length); }
    void put_back(std::uint64_t offset, std::uint64_t length) override;

private:
    AsyncRange(Mapping mapping, const SharedAsync& shared, ColdAreas cold)
        : UserfaultRange(std::move(mapping), shared.userfault),
          shared_(shared),
          cold_(std::move(cold)) {}

    Result<void> scan(std::uint64_t offset, std::uint64_t length, Missing missing,
                      AfterCollect after, PageRuns& runs);
    void clear_staging(std::uint64_t length);

    const SharedAsync& shared_;
    ColdAreas cold_;
};

/// Calls `visit(begin, end)`, addresses, for each run of pages that `scan` matches in its range.
template <std::size_t kRunsAtOnce, typename Visit>
Result<void> for_each_match(const UniqueFd& pagemap, abi::PagemapScan scan, const Visit& visit) {
    std::array<abi::PageRegion, kRunsAtOnce> found;
    scan.size = sizeof scan;
    scan.vec = reinterpret_cast<std::uint64_t>(found.data());
    scan.vec_len = found.size();
    while (scan.start < scan.end) {
        const int count = ::ioctl(pagemap.get(), abi::kPagemapScan, &scan);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot scan {} bytes", scan.end - scan.start);
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
            visit(found[i].start, found[i].end);
        scan.start = scan.walk_end;
    }
    return {};
}

/// Dirty pages that the host has swapped out are not present.
constexpr std::uint64_t kIsThere = abi::kPageIsPresent | abi::kPageIsSwapped;

Result<void> AsyncRange::scan(std::uint64_t offset, std::uint64_t length, Missing missing,
                              AfterCollect after, PageRuns& runs) {
    const auto base = reinterpret_cast<std::uint64_t>(base_);
    abi::PagemapScan scan{};
    scan.flags =
        after == AfterCollect::track_afresh ? abi::kScanWriteProtect | abi::kScanCheckAsync : 0;
    scan.start = base + offset;
    scan.end = base + offset + length;
    scan.category_mask = abi::kPageIsWritten;
    scan.return_mask = abi::kPageIsWritten;
    // Written alone, which is twice as fast, is true of missing pages too.
    if (missing == Missing::some) scan.category_anyof_mask = kIsThere;
    return for_each_match<256>(shared_.pagemap, scan, [&](std::uint64_t begin, std::uint64_t end) {
        runs.push_back({(begin - base) / kPageBytes, (end - begin) / kPageBytes});
        cold_.note_dirty(begin - base, end - begin);
    });
}

void AsyncRange::cool_down(std::uint64_t length, const IsPinned& is_pinned) {
    cold_.cool_down(length, is_pinned, [this](std::uint64_t offset, std::uint64_t bytes) {
        PageRuns dirty;
        const auto looked = scan(offset, bytes, Missing::some, AfterCollect::leave_dirty, dirty);
        return looked.ok() && dirty.empty();
    });
}

Bytes AsyncRange::take_out(std::uint64_t offset, std::uint64_t length) {
    EXPECTS(length <= shared_.staging.length(), "what is taken out fits the staging range");
    if (!cold_.warm_up(offset, length)) return {};  // nothing is moved out of what is read-only
    std::byte* const staging = shared_.staging.base();
    if (shared_.userfault.move(staging, base_ + offset, length) == length) return {staging, length};
    put_back(offset, length);
    return {};
}

void AsyncRange::put_back(std::uint64_t offset, std::uint64_t length) {
    // A move that ends early has moved more pages than it counts (seen with Linux 6.18), so the
    // page table says which are here.
    const auto staging = reinterpret_cast<std::uint64_t>(shared_.staging.base());
    abi::PagemapScan scan{};
    scan.start = staging;
    scan.end = staging + length;
    scan.category_anyof_mask = kIsThere;
    scan.return_mask = kIsThere;
    constexpr std::size_t kRunsMax = store::kUnitBytesMax / kPageBytes;
    const auto put = [&](std::uint64_t begin, std::uint64_t end) {
        const std::uint64_t at = begin - staging;
        const Bytes pages(shared_.staging.base() + at, end - begin);
        // Whether a page was dirty is lost in a move; unprotected ones count as written.
        const auto copied =
            shared_.userfault.copy(base_ + offset + at, pages, Userfault::Filled::open_pages);
        INVARIANT(copied.ok(), "there is memory for what was just taken out");
    };
    const bool scanned = for_each_match<kRunsMax>(shared_.pagemap, scan, put).ok();
    INVARIANT(scanned, "what was scanned before can be scanned");
    // They are dirty, and may have been missing when the area cooled down.
    const bool is_warm = cold_.warm_up(offset, length).ok();
    INVARIANT(is_warm, "what was warm a moment ago can be warmed up");
    clear_staging(length);
}

void AsyncRange::clear_staging(std::uint64_t length) {
    const bool cleared = ::madvise(shared_.staging.base(), length, MADV_DONTNEED) == 0;
    INVARIANT(cleared, "private memory can be given back");
}

class UffdAsync final : public Mechanism {
public:
    explicit UffdAsync(SharedAsync shared) : shared_(std::move(shared)) {}

    MechanismKind kind() const override { return MechanismKind::uffd_async; }
    std::uint64_t fill_bytes(std::uint64_t unit_bytes) const override { return unit_bytes; }
    std::uint64_t write_bytes() const override { return kPageBytes; }

    Result<std::unique_ptr<TrackedRange>> reserve(std::uint64_t reserve_bytes) override {
        return AsyncRange::reserve(shared_, reserve_bytes);
    }

private:
    SharedAsync shared_;
};

}  // namespace

Result<std::unique_ptr<Mechanism>> open_uffd_async() {
    Userfault userfault = TRY(Userfault::open(abi::kFeatureWpAsync | abi::kFeatureWpUnpopulated));
    UniqueFd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    if (!pagemap.valid()) {
        return fail(ErrorCode::unsupported, "cannot open /proc/self/pagemap: {}",
                    std::strerror(errno));
    }
    Mapping staging = TRY(Mapping::zeros(store::kUnitBytesMax));
    ::madvise(staging.base(), staging.length(), MADV_NOHUGEPAGE);
    TRY(userfault.watch(staging.base(), staging.length()));
    return std::unique_ptr<Mechanism>(std::make_unique<UffdAsync>(
        SharedAsync{std::move(userfault), std::move(pagemap), std::move(staging)}));
}

}  // namespace sojourn::heap
