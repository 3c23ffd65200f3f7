#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

TEST_CASE("a process that is suspended after every so many safepoints ends as if it were not",
          "[checkpoint][suspend]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    const VmResult expected = fixture.run({"run", *program});

    VmResult part = fixture.run({"run", "--name", "job", "--suspend-after", "60", *program});
    std::string out = part.out;
    std::uint64_t suspends = 0;
    while (part.exit_code == 75) {
        ++suspends;
        const auto seen = nlohmann::json::parse(fixture.run({"inspect", "job", "--json"}).out);
        REQUIRE(seen["safepoints"] == 60 * suspends);
        part = fixture.run({"resume", "job", "--suspend-after", "60"});
        out += part.out;
    }

    CAPTURE(part.err);
    REQUIRE(suspends >= 2);
    REQUIRE(part.exit_code == expected.exit_code);
    REQUIRE(out == expected.out);
}

TEST_CASE("a run without a name is not suspended after so many safepoints",
          "[checkpoint][suspend]") {
    const ProcessFixture fixture;

    const VmResult refused = fixture.run({"run", "--suspend-after", "60", "samples/hello.wasm"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Catch::Contains("--name"));
}
