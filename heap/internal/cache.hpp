#pragma once

#include <atomic>
#include <mutex>
#include <vector>

#include "heap/internal/mapping.hpp"
#include "heap/types.hpp"

namespace sojourn::heap {

/// Neighbouring blocks of one region, which leave memory together.
inline constexpr std::uint64_t kGroupBytes = std::uint64_t{64} << 10U;

/// What leaves memory when the cache is full.
class Evictable {
public:
    virtual ~Evictable() = default;

    struct Outcome {
        std::uint64_t freed_bytes = 0;
        std::uint64_t freed_units = 0;
        bool left_some = false;  ///< pinned, in use at the moment, or with nowhere to go
    };
    /// Takes what it can of group `group` out of memory. Runs in a fault handler.
    virtual Outcome evict(std::uint32_t group) = 0;
};

/// How much memory the pages of all regions take, and which of them leave when it is too much.
///
/// Groups leave in the order in which they came. There is no telling which were used since, but a
/// group that comes back soon after it left was missed: each such return earns it one more round in
/// the queue the next time. Usable from any thread and from the fault handler.
class Cache {
public:
    /// nullopt: without a limit, nothing is queued and nothing leaves.
    explicit Cache(std::optional<std::uint64_t> limit_bytes)
        : limit_bytes_(limit_bytes.value_or(UINT64_MAX)) {}

    /// Regions are numbered from 0 in the order of these calls. Borrows the region.
    Result<void> add(Evictable& region, std::uint64_t reserve_bytes);

    /// Counts `bytes` that are about to come into memory, after evicting others where they would
    /// not fit. Goes beyond the limit when nothing can leave: what is pinned or in the hands of
    /// other threads stays, and so does what the scratch file has no room for.
    void make_room(std::uint64_t bytes);
    /// They did not come after all.
    void give_back(std::uint64_t bytes) { resident_bytes_ -= bytes; }

    /// Queues a group of which something is in memory, unless it is queued already.
    void note_arrival(std::uint32_t region, std::uint32_t group);

    /// There is room for little more than what guests are about to fault in.
    [[nodiscard]] bool is_nearly_full() const { return resident_bytes_ > limit_bytes_ / 4 * 3; }

    [[nodiscard]] std::uint64_t resident_bytes() const { return resident_bytes_.load(); }
    [[nodiscard]] std::uint64_t evicted_units() const { return evicted_units_.load(); }
    [[nodiscard]] bool is_queued(std::uint32_t region, std::uint32_t group) const;

private:
    struct GroupRef {
        std::uint32_t region_plus_1;  ///< 0: none
        std::uint32_t group;
    };
    struct Group {
        GroupRef next;
        std::uint32_t left_at;  ///< evictions_ when it left; 0: never
        std::uint8_t warmth;    ///< rounds it gets when it comes
        std::uint8_t rounds;    ///< what is left of them
        bool is_queued;
    };
    static_assert(sizeof(Group) == 16);
    struct Region {
        Evictable* pages;
        Mapping groups;  ///< one Group each
    };

    [[nodiscard]] Group& at(GroupRef ref) const;
    void push(GroupRef ref);
    GroupRef pop();
    bool evict_next();

    const std::uint64_t limit_bytes_;
    std::atomic<std::uint64_t> resident_bytes_ = 0;
    std::atomic<std::uint64_t> evicted_units_ = 0;

    /// Held while pages leave: a mechanism takes out one range at a time. No guest page that could
    /// be missing is touched meanwhile, so that the handler never meets its own lock.
    mutable std::mutex mutex_;
    std::vector<Region> regions_;
    GroupRef first_{0, 0};
    GroupRef last_{0, 0};
    std::uint64_t queue_length_ = 0;
    std::uint32_t evictions_ = 0;
};

}  // namespace sojourn::heap
