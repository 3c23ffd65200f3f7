#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;
using Json = nlohmann::json;

namespace {

constexpr int kCompactions = 10;

/// What `vm store compact` tells.
Json compact(const ProcessFixture& fixture) {
    const VmResult compacted = fixture.run({"store", "compact", "--json"});
    INFO(compacted.err);
    REQUIRE(compacted.exit_code == 0);
    return Json::parse(compacted.out);
}

void expect_whole(const ProcessFixture& fixture) {
    const VmResult verified = fixture.run({"store", "verify"});
    INFO(verified.out << verified.err);
    REQUIRE(verified.exit_code == 0);
}

std::uint64_t free_bytes(const ProcessFixture& fixture) {
    return fixture.run_json({"store", "stat"})["kinds"]["free_bytes"];
}

}  // namespace

TEST_CASE("a store is as small as its dry run said, and has what it had", "[process][compact]") {
    const auto program = guest("busy");
    if (!program) return;
    const ProcessFixture fixture;
    {
        VmProcess runner = fixture.start({"run", "--name", "job", *program});
        await_output(runner, "begun");
        for (int count = 0; count < 5; ++count)
            REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
        REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    }
    const auto kept = fixture.folder() / "kept.image";
    REQUIRE(fixture.run({"export", "job", "-o", kept}).exit_code == 0);
    REQUIRE(fixture.run({"import", kept, "--name", "copy"}).exit_code == 0);
    REQUIRE(fixture.run({"prune", "job", "--keep", "last=1"}).exit_code == 0);
    REQUIRE(free_bytes(fixture) > 0);

    const Json planned = fixture.run_json({"store", "compact", "--dry-run"});
    const Json compacted = compact(fixture);

    REQUIRE(planned["databases"] > 0);
    REQUIRE(planned["databases"] == compacted["databases"]);
    REQUIRE(planned["before_bytes"] == compacted["before_bytes"]);
    REQUIRE(planned["after_bytes"] == compacted["after_bytes"]);
    REQUIRE(compacted["after_bytes"] < compacted["before_bytes"]);
    REQUIRE(compact(fixture)["databases"] == 0);
    expect_whole(fixture);
    const auto after = fixture.folder() / "after.image";
    REQUIRE(fixture.run({"export", "job", "-o", after}).exit_code == 0);
    REQUIRE(read_text(after) == read_text(kept));
}

TEST_CASE("a process that runs goes on through ten compactions of its store",
          "[process][compact]") {
    const auto program = guest("churn");
    if (!program) return;
    const ProcessFixture undisturbed;
    const VmResult expected = undisturbed.run({"run", "--name", "job", *program, "150"});
    REQUIRE(expected.exit_code == 0);
    const ProcessFixture fixture;
    VmProcess runner = fixture.start({"run", "--name", "job", "--cache", "4M", "--checkpoint-every",
                                      "20ms", "--keep", "last=3", *program, "150"});
    await_output(runner, "begun");
    std::uint64_t databases = 0;
    std::uint64_t during = 0;

    for (int count = 0; count < kCompactions && !runner.has_ended(); ++count) {
        const std::uint64_t head_before = fixture.row_of("job")["head"].is_null()
                                              ? 0
                                              : fixture.row_of("job")["head"].get<std::uint64_t>();
        await("a checkpoint", [&] {
            const auto head = fixture.row_of("job")["head"];
            return runner.has_ended() || (!head.is_null() && head > head_before);
        });
        databases += compact(fixture)["databases"].get<std::uint64_t>();
        if (!runner.has_ended()) ++during;
        expect_whole(fixture);
    }

    const VmResult ended = runner.wait();
    REQUIRE(ended.exit_code == 0);
    REQUIRE(ended.out == expected.out);
    REQUIRE(ended.err.find("warning") == std::string::npos);
    REQUIRE(during > 2);
    REQUIRE(databases > 2);
    REQUIRE(fixture.run({"resume", "job@" + fixture.row_of("job")["head"].dump()}).exit_code == 0);
    expect_whole(fixture);
}

TEST_CASE("two compactions at once do not get into each other's way", "[process][compact]") {
    const auto program = guest("busy");
    if (!program) return;
    const ProcessFixture fixture;
    VmProcess runner = fixture.start(
        {"run", "--name", "job", "--checkpoint-every", "5ms", "--keep", "last=1", *program});
    await_output(runner, "begun");

    for (int round = 0; round < 5; ++round) {
        VmProcess first = fixture.start({"store", "compact"});
        VmProcess second = fixture.start({"store", "compact"});
        for (VmProcess* compaction : {&first, &second}) {
            const VmResult result = compaction->wait();
            const bool is_refused = result.err.find("being compacted already") != std::string::npos;
            INFO(result.err);
            REQUIRE((result.exit_code == 0 || is_refused));
        }
    }

    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    expect_whole(fixture);
}
