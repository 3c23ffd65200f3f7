#pragma once

#include "heap/internal/mapping.hpp"

namespace sojourn::heap {

enum class BlockState : std::uint8_t {
    absent,    ///< its pages are missing
    filling,   ///< one thread is at it; others wait
    resident,  ///< all of its accessible pages are in memory
};

/// Blocks [first, end).
struct BlockRun {
    std::uint64_t first;
    std::uint64_t end;
};

/// What is in memory: one state a block, the run of bytes that is paged in as a whole. All
/// functions may be called from any thread and from the fault handler.
class BlockTable {
public:
    static Result<BlockTable> create(std::uint64_t block_count);

    [[nodiscard]] BlockState state(std::uint64_t block) const;

    /// The next run of resident blocks of [first, end), empty at `end` when there is none. As it is
    /// at about this time.
    [[nodiscard]] BlockRun next_resident(std::uint64_t first, std::uint64_t end) const;

    /// A pinned block, once resident, is not given to try_claim_resident() until each pin() has had
    /// its unpin(). Pin first, then see to it that the block is resident.
    void pin(std::uint64_t block);
    void unpin(std::uint64_t block);
    [[nodiscard]] bool is_pinned(std::uint64_t block) const;

    /// Turns `absent` into `filling` for the caller, who then owes a release(). Never waits.
    bool try_claim(std::uint64_t block);
    /// As try_claim(), for a block that is resident and not pinned.
    bool try_claim_resident(std::uint64_t block);

    enum class Claim {
        mine,      ///< the caller fills it
        resident,  ///< it was there
        waited,    ///< another thread has finished with it meanwhile; look again
    };
    Claim claim(std::uint64_t block);

    /// Claims a block that may be resident; returns the state it was in. Waits.
    BlockState lock(std::uint64_t block);

    void release(std::uint64_t block, BlockState state) { release({block, block + 1}, state); }
    void release(BlockRun run, BlockState state);

private:
    BlockTable(Mapping states, Mapping pins) : states_(std::move(states)), pins_(std::move(pins)) {}
    [[nodiscard]] std::uint8_t& cell(std::uint64_t block) const;
    [[nodiscard]] std::uint32_t& pins(std::uint64_t block) const;
    bool exchange(std::uint64_t block, BlockState from, BlockState to);
    void wait_while_filling(std::uint64_t block) const;
    [[nodiscard]] std::uint64_t skip(BlockState state, std::uint64_t first,
                                     std::uint64_t end) const;

    Mapping states_;
    Mapping pins_;
};

}  // namespace sojourn::heap
