#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/detached_fixture.hpp"
#include "tests/support/pseudo_terminal.hpp"

using namespace sojourn::tests;
using Catch::Matchers::Contains;
using Json = nlohmann::json;

namespace {

/// `here` runs and has a checkpoint, `there` is suspended.
bool start_two(const DetachedFixture& fixture) {
    const auto program = guest("endless");
    if (!program) return false;
    REQUIRE(fixture.run({"run", "-d", "--name", "there", *program}).exit_code == 0);
    REQUIRE(fixture.run({"suspend", "there"}).exit_code == 0);
    REQUIRE(fixture.run({"run", "-d", "--name", "here", "--cache", "64M", *program}).exit_code ==
            0);
    REQUIRE(fixture.run({"checkpoint", "here"}).exit_code == 0);
    return true;
}

}  // namespace

TEST_CASE("vm top tells once what processes do, where nobody watches", "[process]") {
    const DetachedFixture fixture;
    if (!start_two(fixture)) return;

    const Json object = fixture.run_json({"top"});
    const VmResult shown = fixture.run({"top"});

    REQUIRE(object["processes"].size() == 2);
    const Json& here = object["processes"][0];
    const Json& there = object["processes"][1];
    REQUIRE(here["name"] == "here");
    REQUIRE(here["state"] == "running");
    REQUIRE(here["pid"] == fixture.row_of("here")["pid"]);
    REQUIRE(here["resident_bytes"] > 0);
    REQUIRE(here["resident_bytes"] <= here["cache_bytes"]);
    REQUIRE(here["cache_bytes"] == 64U << 20U);
    REQUIRE(here["dirty_bytes_per_second"].is_number_unsigned());
    REQUIRE(here["processor_share"].is_number());
    REQUIRE(here["checkpoints"] == 1);
    REQUIRE(here["newest_checkpoint"]["id"] == 1);
    REQUIRE(there["state"] == "suspended");
    REQUIRE(there["pid"].is_null());
    REQUIRE(there["resident_bytes"].is_null());
    REQUIRE(shown.exit_code == 0);
    REQUIRE_THAT(shown.out, Contains("DIRTIED") && Contains("here") && Contains("64.0 MiB"));
    REQUIRE(shown.out.find('\x1b') == std::string::npos);
}

TEST_CASE("vm top watches on a terminal until q, and leaves it as it was", "[process][terminal]") {
    const DetachedFixture fixture;
    if (!start_two(fixture)) return;
    PseudoTerminal terminal;
    terminal.start([&] {
        ::setenv("SOJOURN_STORE", fixture.store().c_str(), 1);
        ::execl(SOJOURN_VM, "vm", "top", "--every", "50ms", nullptr);
        return 99;
    });
    const auto await_looks = [&](std::size_t count) {
        await("vm top to look again", [&] {
            std::size_t looks = 0;
            const std::string& shown = terminal.output();
            for (std::size_t at = 0; (at = shown.find("q quits", at)) != std::string::npos; ++at)
                ++looks;
            return looks >= count;
        });
    };

    await_looks(3);
    const bool was_raw = terminal.is_raw();
    terminal.type("q");
    const int status = terminal.wait();

    REQUIRE(was_raw);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    REQUIRE_FALSE(terminal.is_raw());
    REQUIRE_THAT(terminal.output(), Contains("here") && Contains("\x1b[?1049h"));
    REQUIRE_THAT(terminal.output(), Catch::Matchers::EndsWith("\x1b[?1049l"));
}
