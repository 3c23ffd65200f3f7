#include "heap/internal/block_table.hpp"

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace sojourn;
using namespace sojourn::heap;
using Claim = BlockTable::Claim;

TEST_CASE("a block is claimed once, and is there once it was released as resident", "[heap]") {
    auto table = BlockTable::create(10);
    REQUIRE(table->claim(3) == Claim::mine);
    REQUIRE_FALSE(table->try_claim(3));

    table->release(3, BlockState::resident);

    REQUIRE(table->claim(3) == Claim::resident);
    REQUIRE(table->state(2) == BlockState::absent);
}

TEST_CASE("a block whose fill failed can be claimed again", "[heap]") {
    auto table = BlockTable::create(10);
    REQUIRE(table->claim(3) == Claim::mine);

    table->release(3, BlockState::absent);

    REQUIRE(table->claim(3) == Claim::mine);
}

TEST_CASE("locking gives the state that the block was in", "[heap]") {
    auto table = BlockTable::create(10);

    REQUIRE(table->lock(0) == BlockState::absent);
    table->release(0, BlockState::resident);

    REQUIRE(table->lock(0) == BlockState::resident);
}

TEST_CASE("runs of resident blocks are found wherever they begin and end", "[heap]") {
    constexpr std::uint64_t kBlocks = 100;
    const auto first = GENERATE(as<std::uint64_t>(), 0, 3, 8, 17);
    const auto length = GENERATE(as<std::uint64_t>(), 1, 7, 8, 30);
    BlockTable table = BlockTable::create(kBlocks).value();
    table.release({first, first + length}, BlockState::resident);
    table.release(first + length + 2, BlockState::filling);
    table.release({first + length + 3, kBlocks}, BlockState::resident);

    const BlockRun one = table.next_resident(0, kBlocks);
    const BlockRun two = table.next_resident(one.end, kBlocks);

    REQUIRE(one.first == first);
    REQUIRE(one.end == first + length);
    REQUIRE(two.first == first + length + 3);
    REQUIRE(two.end == kBlocks);
    REQUIRE(table.next_resident(kBlocks, kBlocks).first == kBlocks);
}

TEST_CASE("of many threads that claim a block one fills it and the others wait", "[heap]") {
    auto table = BlockTable::create(10);
    std::atomic<int> filled = 0;
    std::atomic<int> seen_before_filled = 0;
    std::vector<std::thread> threads;

    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (;;) {
                const Claim claim = table->claim(0);
                if (claim == Claim::mine) {
                    std::this_thread::yield();
                    ++filled;
                    table->release(0, BlockState::resident);
                }
                if (claim != Claim::resident) continue;
                if (filled != 1) ++seen_before_filled;
                return;
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();

    REQUIRE(filled == 1);
    REQUIRE(seen_before_filled == 0);
}

TEST_CASE("a pinned block is not claimed for eviction, and can still be locked", "[heap]") {
    BlockTable blocks = BlockTable::create(2).value();
    blocks.release(0, BlockState::resident);
    blocks.pin(0);
    blocks.pin(0);
    blocks.unpin(0);

    REQUIRE_FALSE(blocks.try_claim_resident(0));
    REQUIRE(blocks.lock(0) == BlockState::resident);
    blocks.release(0, BlockState::resident);

    blocks.unpin(0);
    REQUIRE(blocks.try_claim_resident(0));
    REQUIRE(blocks.state(0) == BlockState::filling);
    REQUIRE_FALSE(blocks.try_claim_resident(1));
}
