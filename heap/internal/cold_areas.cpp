#include "heap/internal/cold_areas.hpp"

#include <bit>
#include <cerrno>
#include <sched.h>

namespace sojourn::heap {

namespace {

constexpr std::uint64_t kAreaBytesMin = std::uint64_t{2} << 20U;

/// Each border between a warm and a cold area is one between mappings, of which the kernel grants
/// 65,530.
constexpr std::uint64_t kAreasMax = 8192;

}  // namespace

ColdAreas::Turn::Turn(const ColdAreas& areas) : is_taken_(*areas.is_taken_) {
    while (is_taken_.test_and_set())
        ::sched_yield();
}

ColdAreas::Turn::~Turn() {
    is_taken_.clear();
}

Result<ColdAreas> ColdAreas::create(std::byte* base, std::uint64_t reserve_bytes) {
    const std::uint64_t area_bytes =
        std::max(kAreaBytesMin, std::bit_ceil(reserve_bytes / kAreasMax));
    return ColdAreas(base, area_bytes, TRY(Mapping::zeros(reserve_bytes / area_bytes + 1)));
}

Result<void> ColdAreas::warm_up(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t last = (offset + length - 1) / area_bytes_;
    for (std::uint64_t area = offset / area_bytes_; area <= last; ++area) {
        // What is being cooled down counts as warm until it is, and is found out by a second fault.
        if (state(area).load() != kCold && !is_taken_->test()) continue;
        const Turn turn(*this);
        if (state(area).load() != kCold) continue;
        TRY(set_protection(area, PROT_READ | PROT_WRITE));
        state(area).store(0);
    }
    return {};
}

void ColdAreas::note_dirty(std::uint64_t offset, std::uint64_t length) {
    const std::uint64_t last = (offset + length - 1) / area_bytes_;
    for (std::uint64_t area = offset / area_bytes_; area <= last; ++area) {
        // It may have become cold since they were found; then they are clean.
        State idle = state(area).load();
        while (idle != kCold && !state(area).compare_exchange_weak(idle, 0)) {
        }
    }
}

Result<void> ColdAreas::set_protection(std::uint64_t area, int protection) const {
    if (::mprotect(base_ + area * area_bytes_, area_bytes_, protection) == 0) return {};
    return fail_errno(errno, "cannot change the protection of {} bytes (see vm.max_map_count)",
                      area_bytes_);
}

}  // namespace sojourn::heap
