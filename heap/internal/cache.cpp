#include "heap/internal/cache.hpp"

#include <algorithm>

namespace sojourn::heap {

namespace {

constexpr std::uint8_t kWarmthMax = 7;

/// So many groups that can't leave are tried before memory grows beyond the limit: with a full
/// scratch file, each fault would otherwise go through all of them.
constexpr int kRefusalsMax = 16;

}  // namespace

Result<void> Cache::add(Evictable& region, std::uint64_t reserve_bytes) {
    const std::uint64_t groups =
        limit_bytes_ == UINT64_MAX ? 0 : (reserve_bytes + kGroupBytes - 1) / kGroupBytes;
    Mapping table = TRY(Mapping::zeros(groups * sizeof(Group)));
    const std::lock_guard lock(mutex_);
    regions_.push_back({&region, std::move(table)});
    return {};
}

void Cache::make_room(std::uint64_t bytes) {
    if (resident_bytes_.fetch_add(bytes) + bytes <= limit_bytes_) return;
    const std::lock_guard lock(mutex_);
    int refusals = 0;
    while (resident_bytes_.load() > limit_bytes_ && queue_length_ > 0 && refusals < kRefusalsMax)
        refusals += evict_next() ? 0 : 1;
}

/// Lets one group leave; false when some of it had to stay.
bool Cache::evict_next() {
    GroupRef ref = pop();
    // Each of the groups before the first without a round pays one, so this ends.
    while (at(ref).rounds > 0) {
        --at(ref).rounds;
        push(ref);
        ref = pop();
    }
    const Evictable::Outcome outcome = regions_[ref.region_plus_1 - 1].pages->evict(ref.group);
    resident_bytes_ -= outcome.freed_bytes;
    evicted_units_ += outcome.freed_units;
    if (outcome.left_some) {
        push(ref);
    } else {
        at(ref).left_at = ++evictions_;
    }
    return !outcome.left_some;
}

void Cache::note_arrival(std::uint32_t region, std::uint32_t group) {
    if (limit_bytes_ == UINT64_MAX) return;
    const GroupRef ref{region + 1, group};
    const std::lock_guard lock(mutex_);
    Group& arriving = at(ref);
    if (arriving.is_queued) return;
    const bool was_missed = arriving.left_at != 0 && evictions_ - arriving.left_at < queue_length_;
    arriving.warmth = was_missed
                          ? static_cast<std::uint8_t>(std::min(arriving.warmth + 1, +kWarmthMax))
                          : static_cast<std::uint8_t>(arriving.warmth / 2);
    arriving.rounds = arriving.warmth;
    push(ref);
}

bool Cache::is_queued(std::uint32_t region, std::uint32_t group) const {
    if (limit_bytes_ == UINT64_MAX) return true;
    const std::lock_guard lock(mutex_);
    return at({region + 1, group}).is_queued;
}

void Cache::push(GroupRef ref) {
    if (queue_length_++ == 0) {
        first_ = ref;
    } else {
        at(last_).next = ref;
    }
    last_ = ref;
    at(ref).is_queued = true;
}

Cache::GroupRef Cache::pop() {
    const GroupRef ref = first_;
    first_ = at(ref).next;
    --queue_length_;
    at(ref).is_queued = false;
    return ref;
}

Cache::Group& Cache::at(GroupRef ref) const {
    return reinterpret_cast<Group*>(regions_[ref.region_plus_1 - 1].groups.base())[ref.group];
}

}  // namespace sojourn::heap
