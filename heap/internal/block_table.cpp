#include "heap/internal/block_table.hpp"

#include <atomic>
#include <sched.h>

namespace sojourn::heap {

static_assert(static_cast<std::uint8_t>(BlockState::absent) == 0, "a fresh table is all absent");

Result<BlockTable> BlockTable::create(std::uint64_t block_count) {
    Mapping states = TRY(Mapping::zeros(block_count));
    Mapping pins = TRY(Mapping::zeros(block_count * sizeof(std::uint32_t)));
    return BlockTable(std::move(states), std::move(pins));
}

std::uint8_t& BlockTable::cell(std::uint64_t block) const {
    return reinterpret_cast<std::uint8_t&>(states_.base()[block]);
}

std::uint32_t& BlockTable::pins(std::uint64_t block) const {
    return reinterpret_cast<std::uint32_t*>(pins_.base())[block];
}

BlockState BlockTable::state(std::uint64_t block) const {
    return static_cast<BlockState>(std::atomic_ref(cell(block)).load());
}

BlockRun BlockTable::next_resident(std::uint64_t first, std::uint64_t end) const {
    while (first < end && state(first) != BlockState::resident)
        first = skip(state(first), first, end);
    return {first, skip(BlockState::resident, first, end)};
}

/// The first block from `first` on that is in another state: eight at a time, as most are alike.
std::uint64_t BlockTable::skip(BlockState state, std::uint64_t first, std::uint64_t end) const {
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kAtOnce = sizeof kOnes;
    const std::uint64_t alike = kOnes * static_cast<std::uint8_t>(state);
    while (first < end && first % kAtOnce != 0 && this->state(first) == state)
        ++first;
    while (first % kAtOnce == 0 && first + kAtOnce <= end) {
        auto& eight = reinterpret_cast<std::uint64_t&>(states_.base()[first]);
        if (std::atomic_ref(eight).load(std::memory_order_relaxed) != alike) break;
        first += kAtOnce;
    }
    while (first < end && this->state(first) == state)
        ++first;
    return first;
}

bool BlockTable::exchange(std::uint64_t block, BlockState from, BlockState to) {
    auto expected = static_cast<std::uint8_t>(from);
    return std::atomic_ref(cell(block))
        .compare_exchange_strong(expected, static_cast<std::uint8_t>(to));
}

// One side writes its pin and reads the state, the other changes the state and reads the pins: in
// one total order, which is that of all these operations, one of them sees the other.

void BlockTable::pin(std::uint64_t block) {
    std::atomic_ref(pins(block)).fetch_add(1);
}

void BlockTable::unpin(std::uint64_t block) {
    std::atomic_ref(pins(block)).fetch_sub(1);
}

bool BlockTable::is_pinned(std::uint64_t block) const {
    return std::atomic_ref(pins(block)).load() != 0;
}

bool BlockTable::try_claim_resident(std::uint64_t block) {
    if (!exchange(block, BlockState::resident, BlockState::filling)) return false;
    if (!is_pinned(block)) return true;
    release(block, BlockState::resident);
    return false;
}

bool BlockTable::try_claim(std::uint64_t block) {
    return exchange(block, BlockState::absent, BlockState::filling);
}

BlockTable::Claim BlockTable::claim(std::uint64_t block) {
    if (try_claim(block)) return Claim::mine;
    if (state(block) == BlockState::resident) return Claim::resident;
    wait_while_filling(block);
    return Claim::waited;
}

BlockState BlockTable::lock(std::uint64_t block) {
    for (;;) {
        wait_while_filling(block);
        const BlockState found = state(block);
        if (found != BlockState::filling && exchange(block, found, BlockState::filling)) {
            return found;
        }
    }
}

void BlockTable::release(BlockRun run, BlockState state) {
    for (std::uint64_t block = run.first; block < run.end; ++block) {
        std::atomic_ref(cell(block))
            .store(static_cast<std::uint8_t>(state), std::memory_order_release);
    }
}

void BlockTable::wait_while_filling(std::uint64_t block) const {
    // A fill takes some ten microseconds, about what a futex would cost to wake.
    while (state(block) == BlockState::filling)
        ::sched_yield();
}

}  // namespace sojourn::heap
