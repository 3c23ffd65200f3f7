// Any Unix-like kernel, emulators of one included: missing pages are inaccessible and clean ones
// read-only, so that both raise SIGSEGV. Filling a page must not show it half-filled to another
// thread, so a region is an unlinked file in memory, mapped twice: the guest's view, whose
// protection says what is missing, clean or dirty, and an alias through which pages are filled
// before the view opens.

#include <algorithm>
#include <cerrno>
#include <sys/mman.h>

#include "base/file.hpp"
#include "heap/internal/mapping.hpp"
#include "heap/internal/mechanisms.hpp"
#include "heap/internal/page_bitmap.hpp"

namespace sojourn::heap {

namespace {

/// A change of protection splits mappings, and the kernel grants 65,530 of them: so large pieces.
constexpr std::uint64_t kPieceBytes = std::uint64_t{64} << 10U;

class AliasedRange final : public TrackedRange {
public:
    static Result<std::unique_ptr<TrackedRange>> reserve(std::uint64_t reserve_bytes);

    Result<void> extend(std::uint64_t, std::uint64_t) override { return {}; }

    Result<void> install(std::uint64_t offset, Bytes bytes) override {
        std::copy(bytes.begin(), bytes.end(), alias_.base() + offset);
        return set_protection(offset, bytes.size(), PROT_READ);
    }
    Result<void> install_zeros(std::uint64_t offset, std::uint64_t length) override {
        return set_protection(offset, length, PROT_READ);  // the file starts as zeros
    }

    Result<void> allow_writes(std::uint64_t offset, std::uint64_t length) override {
        dirty_.set(offset / kPageBytes, length / kPageBytes);
        return set_protection(offset, length, PROT_READ | PROT_WRITE);
    }

    Result<void> collect_dirty(std::uint64_t offset, std::uint64_t length, Missing,
                               AfterCollect after, PageRuns& runs) override;

    Bytes take_out(std::uint64_t offset, std::uint64_t length) override {
        if (!set_protection(offset, length, PROT_NONE)) return {};
        return {alias_.base() + offset, length};
    }
    void let_go(std::uint64_t offset, std::uint64_t length) override {
        dirty_.clear({offset / kPageBytes, length / kPageBytes});
        const bool removed = ::madvise(alias_.base() + offset, length, MADV_REMOVE) == 0;
        INVARIANT(removed, "a file in memory can have holes");
    }
    void put_back(std::uint64_t offset, std::uint64_t length) override {
        // Dirty pages too: their next write is noticed once more.
        const bool opened = set_protection(offset, length, PROT_READ).ok();
        INVARIANT(opened, "a view that was just shut can be opened");
    }

private:
    AliasedRange(Mapping view, Mapping alias, PageBitmap dirty)
        : TrackedRange(view.base()),
          view_(std::move(view)),
          alias_(std::move(alias)),
          dirty_(std::move(dirty)) {}

    Result<void> set_protection(std::uint64_t offset, std::uint64_t length, int protection) {
        if (::mprotect(base_ + offset, length, protection) == 0) return {};
        return fail_errno(errno, "mprotect of {} bytes (see vm.max_map_count)", length);
    }

    Mapping view_;
    Mapping alias_;
    PageBitmap dirty_;
};

/// Puts `file` in the place of the first `length` bytes of `mapping`.
Result<void> map_over(const Mapping& mapping, std::uint64_t length, int protection,
                      const UniqueFd& file) {
    void* base = ::mmap(mapping.base(), length, protection, MAP_SHARED | MAP_FIXED | MAP_NORESERVE,
                        file.get(), 0);
    if (base != MAP_FAILED) return {};
    return fail_errno(errno, "cannot map {} bytes of memory", length);
}

Result<std::unique_ptr<TrackedRange>> AliasedRange::reserve(std::uint64_t reserve_bytes) {
    const std::uint64_t length = std::max<std::uint64_t>(reserve_bytes, kPageBytes);
    const UniqueFd file(::memfd_create("sojourn-region", MFD_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot create a file in memory");
    if (::ftruncate(file.get(), static_cast<off_t>(length)) != 0) {
        return fail_errno(errno, "cannot reserve {} bytes (see ulimit -f)", length);
    }
    PageBitmap dirty = TRY(PageBitmap::create(length / kPageBytes));
    Mapping view = TRY(Mapping::reserve(length + kGuardBytes));
    Mapping alias = TRY(Mapping::reserve(length));
    TRY(map_over(view, length, PROT_NONE, file));
    TRY(map_over(alias, length, PROT_READ | PROT_WRITE, file));
    return std::unique_ptr<TrackedRange>(
        new AliasedRange(std::move(view), std::move(alias), std::move(dirty)));
}

Result<void> AliasedRange::collect_dirty(std::uint64_t offset, std::uint64_t length, Missing,
                                         AfterCollect after, PageRuns& runs) {
    const std::size_t first_new = runs.size();
    dirty_.append_runs(offset / kPageBytes, length / kPageBytes, runs);
    if (after == AfterCollect::leave_dirty) return {};
    for (std::size_t i = first_new; i < runs.size(); ++i) {
        dirty_.clear(runs[i]);  // first: a write after the protection sets the bit again
        TRY(set_protection(runs[i].first * kPageBytes, runs[i].count * kPageBytes, PROT_READ));
    }
    return {};
}

class Mprotect final : public Mechanism {
public:
    MechanismKind kind() const override { return MechanismKind::mprotect; }
    std::uint64_t fill_bytes(std::uint64_t) const override { return kPieceBytes; }
    std::uint64_t write_bytes() const override { return kPieceBytes; }

    Result<std::unique_ptr<TrackedRange>> reserve(std::uint64_t reserve_bytes) override {
        return AliasedRange::reserve(reserve_bytes);
    }
};

}  // namespace

Result<std::unique_ptr<Mechanism>> open_mprotect() {
    return std::unique_ptr<Mechanism>(std::make_unique<Mprotect>());
}

}  // namespace sojourn::heap
