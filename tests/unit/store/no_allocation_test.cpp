#include <atomic>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

// The sanitizers bring an allocator of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
std::atomic<std::size_t> allocations = 0;
}

extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_calloc(std::size_t count, std::size_t size);

extern "C" void* malloc(std::size_t size) {
    ++allocations;
    return __libc_malloc(size);
}

extern "C" void* calloc(std::size_t count, std::size_t size) {
    ++allocations;
    return __libc_calloc(count, size);
}

using namespace sojourn;
using namespace sojourn::store;

TEST_CASE("reading a unit allocates nothing", "[store]") {
    StoreFixture fixture("directory");
    const auto base = fixture.publish(fixture.acquire(), {encoded(0, 1), encoded(1, 2, true)});
    const auto owner = fixture.acquire(*base);
    const auto lost = *fixture.family().reserve(owner);
    REQUIRE(fixture.family().stage(owner, lost, std::vector{encoded(0, 9)}).ok());
    fixture.acquire();  // leaves an abandoned version to look past
    const auto view = *fixture.family().view_of(fixture.process().id);
    ByteVector out(kTestUnitBytes);
    bool ok = true;

    const std::size_t before = allocations;
    for (std::uint64_t unit = 0; unit < 3; ++unit) {
        ok = ok && fixture.family().read_unit(view, {kRegion, UnitIndex{unit}}, out).ok();
    }
    const std::size_t after = allocations;

    REQUIRE(ok);
    REQUIRE(before > 0);
    REQUIRE(after == before);
}

#endif
