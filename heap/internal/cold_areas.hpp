#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <sys/mman.h>

#include "base/result.hpp"
#include "heap/internal/mapping.hpp"

namespace sojourn::heap {

/// Areas of a range that nobody has written to for some versions. They are read-only and hold no
/// dirty page, so that a walk in search of dirty pages passes over them: what is left of a large
/// heap with few writes is little. The first write raises SIGSEGV and warms the area up.
///
/// Usable from any thread; warm_up() also from the fault handler.
class ColdAreas {
public:
    static Result<ColdAreas> create(std::byte* base, std::uint64_t reserve_bytes);

    /// The areas that a piece touches may be written to from now on. Errors: of mprotect.
    Result<void> warm_up(std::uint64_t offset, std::uint64_t length);

    /// Dirty pages were found there.
    void note_dirty(std::uint64_t offset, std::uint64_t length);

    /// Another version has been made: areas of [0, length) in which no page was found dirty for the
    /// last ones become cold. `is_pinned(offset, length)`: a system call may be writing there, and
    /// whoever pins warms up afterwards. `is_clean(offset, length)` looks when nobody can write.
    template <typename IsPinned, typename IsClean>
    void cool_down(std::uint64_t length, const IsPinned& is_pinned, const IsClean& is_clean);

    /// Calls `visit(offset, length)` for the warm parts of a piece, until it returns an error.
    template <typename Visit>
    Result<void> for_each_warm(std::uint64_t offset, std::uint64_t length,
                               const Visit& visit) const;

private:
    /// How often it was not found dirty, or kCold.
    using State = std::uint8_t;
    static constexpr State kVersionsUntilCold = 2;
    static constexpr State kCold = UINT8_MAX;

    ColdAreas(std::byte* base, std::uint64_t area_bytes, Mapping states)
        : base_(base), area_bytes_(area_bytes), states_(std::move(states)) {}

    [[nodiscard]] std::atomic_ref<State> state(std::uint64_t area) const {
        return std::atomic_ref(reinterpret_cast<State*>(states_.base())[area]);
    }
    [[nodiscard]] Result<void> set_protection(std::uint64_t area, int protection) const;
    /// Not a mutex: the fault handler takes it, and who holds it touches no guest memory.
    class Turn;

    std::byte* base_;
    std::uint64_t area_bytes_;
    Mapping states_;
    std::unique_ptr<std::atomic_flag> is_taken_ = std::make_unique<std::atomic_flag>();
};

class ColdAreas::Turn {
public:
    explicit Turn(const ColdAreas& areas);
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn();

private:
    std::atomic_flag& is_taken_;
};

template <typename IsPinned, typename IsClean>
void ColdAreas::cool_down(std::uint64_t length, const IsPinned& is_pinned,
                          const IsClean& is_clean) {
    // The area that the end cuts through may grow any time, and stays warm.
    for (std::uint64_t area = 0; area < length / area_bytes_; ++area) {
        const State idle = state(area).load(std::memory_order_relaxed);
        if (idle == kCold) continue;
        if (idle < kVersionsUntilCold) {
            state(area).store(idle + 1, std::memory_order_relaxed);
            continue;
        }
        const Turn turn(*this);
        // Whoever pins from here on, or writes, waits for our turn to end.
        const std::uint64_t offset = area * area_bytes_;
        if (is_pinned(offset, area_bytes_) || !set_protection(area, PROT_READ)) continue;
        const bool cools = is_clean(offset, area_bytes_);
        state(area).store(cools ? kCold : 0);
        if (cools) continue;
        const bool opened = set_protection(area, PROT_READ | PROT_WRITE).ok();
        INVARIANT(opened, "what was just protected can be opened");
    }
}

template <typename Visit>
Result<void> ColdAreas::for_each_warm(std::uint64_t offset, std::uint64_t length,
                                      const Visit& visit) const {
    const std::uint64_t end = offset + length;
    while (offset < end) {
        std::uint64_t area = offset / area_bytes_;
        while (area * area_bytes_ < end && state(area).load() == kCold)
            ++area;
        const std::uint64_t begin = std::max(offset, area * area_bytes_);
        while (area * area_bytes_ < end && state(area).load() != kCold)
            ++area;
        offset = std::min(area * area_bytes_, end);
        if (begin < offset) TRY(visit(begin, offset - begin));
    }
    return {};
}

}  // namespace sojourn::heap
