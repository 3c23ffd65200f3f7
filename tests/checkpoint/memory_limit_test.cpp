#include <iostream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/control_group.hpp"

using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

/// A walk over 512 MiB, a number in each page.
std::vector<std::string> walk(const std::string& program, const std::string& cache,
                              const std::string& mechanism = "auto") {
    return {"run", "--cache", cache, "--heap-mechanism", mechanism, program, "8192", "4096"};
}

}  // namespace

TEST_CASE("a run with a small cache finishes in a control group of 128 MiB more, without swap",
          "[checkpoint][cache]") {
    const auto program = guest("bigmap");
    if (!program) return;
    std::string why_not;
    const auto group = ControlGroup::create(why_not);
    if (group == nullptr || !group->limit_memory((64 + 128) * kMiB)) {
        std::cout << "test skipped: " << (why_not.empty() ? "no limit is accepted" : why_not)
                  << '\n';
        return;
    }
    const ProcessFixture fixture;
    const auto expected = fixture.run(walk(*program, "unlimited"));
    REQUIRE(expected.exit_code == 0);
    const std::string mechanism = GENERATE("uffd-async", "uffd-sync", "mprotect");

    const auto run = [&] {
        const ControlGroup::Stay stay(*group);
        return fixture.run(walk(*program, "64M", mechanism));
    }();

    CHECK(run.err.empty());
    CHECK(run.exit_code == 0);
    CHECK(run.out == expected.out);
}

TEST_CASE("a run with a small cache tells its evictions, one with an unlimited cache none",
          "[checkpoint][cache]") {
    const auto program = guest("bigmap");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string stats_file = fixture.folder() / "stats";
    const auto evictions_with = [&](const std::string& cache) {
        const auto run =
            fixture.run({"run", "--cache", cache, "--stats", stats_file, *program, "256", "4096"});
        REQUIRE(run.exit_code == 0);
        const auto stats = nlohmann::json::parse(read_text(stats_file));
        return stats["evictions"].get<std::uint64_t>();
    };

    const std::uint64_t in_little = evictions_with("1M");
    const std::uint64_t in_plenty = evictions_with("unlimited");

    constexpr std::uint64_t kUnits = 16 * kMiB / 16'384;
    CHECK(in_little >= kUnits / 2);
    CHECK(in_plenty == 0);
}
