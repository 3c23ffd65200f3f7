#include "heap/mechanism.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "heap/internal/userfault.hpp"
#include "tests/support/heap_fixture.hpp"

using namespace sojourn;
using namespace sojourn::heap;

namespace {

/// False where touching the page would raise a signal.
bool kernel_can_read(const std::byte* page) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const auto written = ::write(ends[1], page, 1);
    ::close(ends[0]);
    ::close(ends[1]);
    return written == 1;
}

}  // namespace

TEST_CASE("every mechanism has a word, and every word its mechanism", "[heap]") {
    for (const MechanismKind kind : tests::kMechanisms)
        REQUIRE(*parse_mechanism(text_of(kind)).value() == kind);
    REQUIRE_FALSE(parse_mechanism("auto").value().has_value());
    REQUIRE(parse_mechanism("soft-dirty").error().code == ErrorCode::invalid_argument);
}

TEST_CASE("the best mechanism is chosen when none is requested", "[heap]") {
    const auto best = choose_mechanism(std::nullopt);

    REQUIRE(best.ok());
    for (const MechanismKind kind : tests::kMechanisms) {
        if (kind == *best) break;
        REQUIRE(choose_mechanism(kind).error().code == ErrorCode::unsupported);
    }
}

TEST_CASE("a page is missing, clean, dirty and clean again", "[heap]") {
    const auto kind = GENERATE(from_range(tests::kMechanisms));
    const auto mechanism = Mechanism::open(kind).value();
    constexpr std::uint64_t kLength = 256 * kPageBytes;
    const auto range = mechanism->reserve(kLength).value();
    const auto dirty = [&](AfterCollect after) {
        PageRuns runs;
        REQUIRE(range->collect_dirty(0, kLength, Missing::none, after, runs).ok());
        return runs;
    };
    const std::vector<std::byte> content(kLength, std::byte{7});
    REQUIRE(range->extend(0, kLength).ok());

    REQUIRE(range->install(0, content).ok());
    REQUIRE(std::equal(content.begin(), content.end(), range->base()));
    REQUIRE(dirty(AfterCollect::track_afresh).empty());

    const std::uint64_t write_bytes = mechanism->write_bytes();
    const PageRuns expected{{128, write_bytes / kPageBytes}};
    REQUIRE(range->allow_writes(128 * kPageBytes, write_bytes).ok());
    range->base()[128 * kPageBytes] = std::byte{8};
    REQUIRE(dirty(AfterCollect::leave_dirty) == expected);
    REQUIRE(dirty(AfterCollect::track_afresh) == expected);
    REQUIRE(dirty(AfterCollect::track_afresh).empty());
}

TEST_CASE("installing over pages that are there changes none of them", "[heap]") {
    const auto kind = GENERATE(MechanismKind::uffd_async, MechanismKind::uffd_sync);
    const auto mechanism = Mechanism::open(kind).value();
    const auto range = mechanism->reserve(16 * kPageBytes).value();
    REQUIRE(range->extend(0, 16 * kPageBytes).ok());
    const std::vector<std::byte> early(2 * kPageBytes, std::byte{1});
    const std::vector<std::byte> late(8 * kPageBytes, std::byte{2});
    REQUIRE(range->install(3 * kPageBytes, early).ok());

    REQUIRE(range->install(0, late).ok());

    REQUIRE(range->base()[0] == std::byte{2});
    REQUIRE(range->base()[3 * kPageBytes] == std::byte{1});
    REQUIRE(range->base()[5 * kPageBytes - 1] == std::byte{1});
    REQUIRE(range->base()[5 * kPageBytes] == std::byte{2});
}

TEST_CASE("pages that are taken out come back as they were, or are missing", "[heap]") {
    const auto kind = GENERATE(from_range(tests::kMechanisms));
    REQUIRE(choose_mechanism(kind, Eviction::needed).ok());
    const auto mechanism = Mechanism::open(kind).value();
    constexpr std::uint64_t kLength = 16 * kPageBytes;
    const auto range = mechanism->reserve(4 * kLength).value();
    const std::vector<std::byte> content(kLength, std::byte{7});
    const auto dirty_pages = [&] {
        PageRuns runs;
        REQUIRE(range->collect_dirty(0, 4 * kLength, Missing::some, AfterCollect::leave_dirty, runs)
                    .ok());
        std::uint64_t pages = 0;
        for (const PageRun& run : runs)
            pages += run.count;
        return pages;
    };
    REQUIRE(range->extend(0, 4 * kLength).ok());
    REQUIRE(range->install(kLength, content).ok());
    REQUIRE(range->allow_writes(kLength, mechanism->write_bytes()).ok());
    range->base()[kLength] = std::byte{8};
    const std::uint64_t dirty_before = dirty_pages();

    REQUIRE(range->take_out(kLength, kLength).front() == std::byte{8});
    range->put_back(kLength, kLength);
    REQUIRE(range->base()[kLength] == std::byte{8});
    REQUIRE(range->base()[2 * kLength - 1] == std::byte{7});
    REQUIRE(dirty_pages() >= dirty_before);

    REQUIRE(range->allow_writes(kLength, mechanism->write_bytes()).ok());
    REQUIRE(kernel_can_write(range->base() + kLength));
    range->base()[kLength] = std::byte{8};
    const Bytes taken = range->take_out(kLength, kLength);
    REQUIRE_FALSE(kernel_can_write(range->base() + kLength));
    REQUIRE(taken[0] == std::byte{8});
    REQUIRE(std::equal(content.begin() + 1, content.end(), taken.begin() + 1));
    range->let_go(kLength, kLength);
    REQUIRE(dirty_pages() == 0);

    REQUIRE(range->install_zeros(kLength, kLength).ok());
    REQUIRE(range->base()[kLength] == std::byte{0});
    REQUIRE(range->base()[2 * kLength - 1] == std::byte{0});
}

TEST_CASE("pages of which the kernel keeps some are all there afterwards", "[heap]") {
    const auto mechanism = Mechanism::open(GENERATE(from_range(tests::kMechanisms))).value();
    constexpr std::uint64_t kLength = 16 * kPageBytes;
    const auto kept = GENERATE(as<std::uint64_t>(), 1, 6, 15);
    const auto range = mechanism->reserve(kLength).value();
    const std::vector<std::byte> content(kLength, std::byte{7});
    REQUIRE(range->extend(0, kLength).ok());
    REQUIRE(range->install(0, content).ok());
    // A page that is shared with a child does not move; one that was written to since does.
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    REQUIRE(range->allow_writes(0, kLength).ok());
    for (std::uint64_t page = 0; page < kLength / kPageBytes; ++page) {
        if (page != kept) range->base()[page * kPageBytes] = std::byte{8};
    }

    const Bytes taken = range->take_out(0, kLength);
    if (!taken.empty()) range->put_back(0, kLength);

    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    for (std::uint64_t page = 0; page < kLength / kPageBytes; ++page) {
        const std::byte first = page == kept ? std::byte{7} : std::byte{8};
        REQUIRE(kernel_can_read(range->base() + page * kPageBytes));
        REQUIRE(range->base()[page * kPageBytes] == first);
    }
}
