#include <csetjmp>
#include <csignal>
#include <functional>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "heap/heap.hpp"
#include "tests/support/heap_fixture.hpp"
#include "tests/support/sanitizer.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using heap::kPageBytes;
using heap::Region;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr heap::RegionId kFirst{1};

struct Death {
    int status;
    std::string said;  ///< on stderr
};

/// Runs `body` in a process of its own.
Death death_of(const std::function<void()>& body) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        body();
        ::_exit(0);
    }
    ::close(ends[1]);
    Death death{0, {}};
    char piece[256];
    for (ssize_t got; (got = ::read(ends[0], piece, sizeof piece)) > 0;)
        death.said.append(piece, static_cast<std::size_t>(got));
    ::close(ends[0]);
    ::waitpid(child, &death.status, 0);
    return death;
}

bool was_killed_by_segv(const Death& death) {
    if (kSanitized) return death.status != 0;
    return WIFSIGNALED(death.status) && WTERMSIG(death.status) == SIGSEGV;
}

sigjmp_buf escape;
void* trapped_at = nullptr;

void leap(int, siginfo_t* info, void*) {
    trapped_at = info->si_addr;
    ::siglongjmp(escape, 1);
}

void install(int signal, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    ::sigaction(signal, &action, nullptr);
}

}  // namespace

TEST_CASE("an access beyond a region's size ends the process as it would without a heap",
          "[heap]") {
    const auto mechanism = GENERATE(from_range(kMechanisms));
    const auto beyond = GENERATE(as<std::uint64_t>(), 0, kPageBytes, 64 * kMiB - 1, 64 * kMiB);

    const Death death = death_of([&] {
        HeapFixture fixture(mechanism);
        auto heap = fixture.create();
        Region& memory = add_memory(*heap, kMiB, 65 * kMiB);
        memory.base()[0] = std::byte{1};
        *const_cast<volatile std::byte*>(memory.base() + kMiB + beyond) = std::byte{1};
    });

    REQUIRE(was_killed_by_segv(death));
}

TEST_CASE("(started by the test below) a handler is there before the heap", "[.before-the-heap]") {
    install(SIGSEGV, leap);
    install(SIGBUS, leap);
    for (const heap::MechanismKind mechanism : kMechanisms) {
        HeapFixture fixture(mechanism);
        auto heap = fixture.create();
        Region& memory = add_memory(*heap, kMiB);
        memory.base()[0] = std::byte{1};

        volatile std::byte* const beyond = memory.base() + kMiB;
        if (::sigsetjmp(escape, 1) == 0) *beyond = std::byte{1};

        REQUIRE(trapped_at == beyond);
        REQUIRE(memory.base()[0] == std::byte{1});
    }
}

TEST_CASE("a fault that is not the heap's goes to the handler that was there before", "[heap]") {
    // Handlers are installed once a host process, so this takes a fresh one.
    const Death end = death_of([] {
        ::dup2(STDERR_FILENO, STDOUT_FILENO);
        ::execl("/proc/self/exe", "unit_heap", "[.before-the-heap]", nullptr);
    });

    INFO(end.said);
    REQUIRE(WIFEXITED(end.status));
    REQUIRE(WEXITSTATUS(end.status) == 0);
    REQUIRE(end.said.find("All tests passed (6 assertions in 1 test case)") != std::string::npos);
}

TEST_CASE("a unit that cannot be read ends the process with one clear line", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    auto heap = fixture.create();
    std::fill_n(add_memory(*heap, kMiB).base(), kMiB, std::byte{7});
    REQUIRE(commit(*heap).ok());
    heap.reset();
    fixture.family->damaged_unit = store::UnitKey{kFirst, store::UnitIndex{4}};

    const Death death = death_of([&] {
        auto opened = fixture.open();
        *const_cast<volatile std::byte*>(opened->region(kFirst)->base() + 65'536) = std::byte{1};
    });

    REQUIRE(WIFEXITED(death.status));
    REQUIRE(WEXITSTATUS(death.status) == 125);
    const std::string line =
        "sojourn: cannot bring in unit 4 of region 1 as of checkpoint @1: damaged by the test\n";
    REQUIRE((kSanitized ? death.said.find(line) != std::string::npos : death.said == line));
}

TEST_CASE("a signal that somebody sent is not taken for a fault", "[heap]") {
    const Death death = death_of([] {
        HeapFixture fixture(heap::MechanismKind::mprotect);
        auto heap = fixture.create();
        add_memory(*heap, kMiB).base()[0] = std::byte{1};
        ::raise(SIGSEGV);
    });

    REQUIRE(was_killed_by_segv(death));
}

TEST_CASE("threads that fault in the same units at once lose no write", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    constexpr std::uint64_t kSize = 4 * kMiB;
    constexpr std::uint64_t kThreads = 4;
    auto heap = fixture.create();
    add_memory(*heap, kSize);
    for (int round = 0; round < 3; ++round) {
        Region& memory = *heap->region(kFirst);
        std::atomic<std::uint64_t> wrong = 0;
        std::vector<std::thread> threads;
        for (std::uint64_t t = 0; t < kThreads; ++t) {
            threads.emplace_back([&, t] {
                // Each thread owns one byte in 64 and reads what its neighbour wrote last round.
                for (std::uint64_t i = 0; i < kSize / 64; ++i) {
                    const std::uint64_t line = (i * 7919 + t * 101) % (kSize / 64) * 64;
                    std::byte& mine = memory.base()[line + t];
                    if (mine != static_cast<std::byte>(round)) ++wrong;
                    mine = static_cast<std::byte>(round + 1);
                }
            });
        }
        for (std::thread& thread : threads)
            thread.join();

        REQUIRE(wrong == 0);
        REQUIRE(heap->verify().empty());
        REQUIRE(commit(*heap).ok());
        heap.reset();
        heap = fixture.open();
    }
    const Region& memory = *heap->region(kFirst);
    std::uint64_t lost = 0;
    for (std::uint64_t line = 0; line < kSize; line += 64) {
        for (std::uint64_t t = 0; t < kThreads; ++t)
            lost += memory.base()[line + t] == std::byte{3} ? 0U : 1U;
    }
    REQUIRE(lost == 0);
}

TEST_CASE("a commit goes on while threads fault and write", "[heap]") {
    HeapFixture fixture(GENERATE(from_range(kMechanisms)));
    constexpr std::uint64_t kSize = 8 * kMiB;
    auto heap = fixture.create();
    std::fill_n(add_memory(*heap, kSize).base(), kSize, std::byte{1});
    REQUIRE(commit(*heap).ok());
    heap.reset();
    heap = fixture.open();
    Region& memory = *heap->region(kFirst);
    std::fill_n(memory.base(), kSize / 2, std::byte{2});

    auto snapshot = heap->snapshot().value();
    std::thread guest([&] { std::fill_n(memory.base(), kSize, std::byte{3}); });
    const auto info = heap->commit(std::move(snapshot), {}, {});
    guest.join();

    REQUIRE(info.ok());
    REQUIRE(heap->verify().empty());
    auto as_published = fixture.open();
    const std::byte* published = as_published->region(kFirst)->base();
    REQUIRE(std::count(published, published + kSize, std::byte{2}) == kSize / 2);
    REQUIRE(std::count(published, published + kSize, std::byte{1}) == kSize / 2);
}
