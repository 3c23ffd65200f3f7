#include <csignal>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

namespace {

const std::string kMillionsOfSteps = "24";

std::string undisturbed_end(const std::string& program) {
    const ProcessFixture fixture;
    const VmResult result = fixture.run({"run", program, kMillionsOfSteps});
    REQUIRE(result.exit_code == 0);
    return last_line(result.out);
}

/// Starts a process and kills it after its second checkpoint. False: on a machine where the test
/// has to wait for its turn, it may have come to its end.
bool is_killed(const ProcessFixture& fixture, const std::vector<std::string>& run) {
    VmProcess first = fixture.start(run);
    await_output(first, "begun");
    await("two checkpoints, or the end", [&] {
        const auto row = fixture.row_of("job");
        const bool has_two = row.is_object() && row["head"].is_number() && row["head"] >= 2;
        return has_two || first.has_ended();
    });
    first.send(SIGKILL);
    first.wait();
    return fixture.row_of("job")["state"] != "exited";
}

}  // namespace

TEST_CASE("what a guest writes while it is written ahead is not lost", "[checkpoint]") {
    const auto program = guest("churn");
    if (!program) return;
    static const std::string expected = undisturbed_end(*program);
    const std::string mechanism = GENERATE("uffd-async", "uffd-sync", "mprotect");
    const std::string cache = GENERATE("8M", "unlimited");
    const ProcessFixture fixture;
    const std::vector<std::string> how{"--heap-mechanism",   mechanism, "--cache",   cache,
                                       "--checkpoint-every", "20ms",    "--precopy", "3"};
    std::vector<std::string> run{"run", "--name", "job", "--replace"};
    run.insert(run.end(), how.begin(), how.end());
    run.insert(run.end(), {*program, kMillionsOfSteps});
    std::vector<std::string> resume{"resume", "job"};
    resume.insert(resume.end(), how.begin(), how.end());

    bool has_ended = true;
    for (int attempt = 0; has_ended && attempt < 10; ++attempt)
        has_ended = !is_killed(fixture, run);
    REQUIRE_FALSE(has_ended);
    const VmResult second = fixture.run(resume);

    INFO(mechanism << ", cache " << cache << ": " << second.err);
    REQUIRE(second.exit_code == 0);
    REQUIRE(last_line(second.out) == expected);
}
