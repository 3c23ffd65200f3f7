#include "base/thread_buffer.hpp"

#include <sys/mman.h>
#include <thread>

#include <catch2/catch.hpp>

using namespace sojourn;

TEST_CASE("a thread finds its buffer again, and no other thread's", "[base]") {
    static const ThreadBuffer buffer(100'000);
    const MutableBytes mine = buffer.get();
    REQUIRE(mine.size() == 100'000);
    mine.front() = mine.back() = std::byte{1};

    MutableBytes theirs;
    std::byte found_there{9};
    std::thread([&] {
        theirs = buffer.get();
        found_there = theirs.front();
        theirs.front() = std::byte{2};
    }).join();

    CHECK(theirs.data() != mine.data());
    CHECK(found_there == std::byte{0});
    CHECK(buffer.get().data() == mine.data());
    CHECK(mine.front() == std::byte{1});
}

TEST_CASE("the buffer of a thread that has ended is given back", "[base]") {
    static const ThreadBuffer buffer(100'000);
    const auto is_mapped = [](const std::byte* address) {
        constexpr std::uintptr_t kPageBytes = 4096;
        const auto page = reinterpret_cast<std::uintptr_t>(address) / kPageBytes * kPageBytes;
        unsigned char unused = 0;
        return ::mincore(reinterpret_cast<void*>(page), 1, &unused) == 0;
    };

    const std::byte* theirs = nullptr;
    bool was_mapped = false;
    std::thread([&] {
        theirs = buffer.get().data();
        was_mapped = is_mapped(theirs);
    }).join();

    CHECK(was_mapped);
    CHECK_FALSE(is_mapped(theirs));
}
