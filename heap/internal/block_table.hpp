#pragma once

#include "heap/internal/mapping.hpp"

namespace sojourn::heap {

enum class BlockState : std::uint8_t {
    absent,    ///< its pages are missing
    filling,   ///< one thread is at it; others wait
    resident,  ///< all of its accessible pages are in memory
};

/// What is in memory: one state a block, the run of bytes that is paged in as a whole. All
/// functions may be called from any thread and from the fault handler.
class BlockTable {
public:
    static Result<BlockTable> create(std::uint64_t block_count);

    [[nodiscard]] BlockState state(std::uint64_t block) const;

    /// Turns `absent` into `filling` for the caller, who then owes a release(). Never waits.
    bool try_claim(std::uint64_t block);

    enum class Claim {
        mine,      ///< the caller fills it
        resident,  ///< it was there
        waited,    ///< another thread has finished with it meanwhile; look again
    };
    Claim claim(std::uint64_t block);

    /// Claims a block that may be resident; returns the state it was in. Waits.
    BlockState lock(std::uint64_t block);

    void release(std::uint64_t block, BlockState state);

private:
    explicit BlockTable(Mapping states) : states_(std::move(states)) {}
    [[nodiscard]] std::uint8_t& cell(std::uint64_t block) const;
    bool exchange(std::uint64_t block, BlockState from, BlockState to);
    void wait_while_filling(std::uint64_t block) const;

    Mapping states_;
};

}  // namespace sojourn::heap
