#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/seed.hpp"

using namespace sojourn::tests;

namespace {

using Json = nlohmann::json;

/// One program, run by both engines.
class Shadowed {
public:
    explicit Shadowed(std::string program) : program_(std::move(program)) {}

    /// Of a whole run, as the interpreter counts them.
    [[nodiscard]] std::uint64_t safepoints() const {
        const std::string stats = fixture_.folder() / "stats";
        static_cast<void>(fixture_.run({"run", "--engine=interp", "--stats", stats, program_}));
        return Json::parse(read_text(stats))["safepoints"];
    }

    /// Both stop there, having said the same; how `vm diff` compares what they stored.
    [[nodiscard]] Json difference_at(std::uint64_t safepoints) const {
        const VmResult compiled = run_to(safepoints, "jit");
        const VmResult interpreted = run_to(safepoints, "interp");
        REQUIRE(compiled.exit_code == 75);
        REQUIRE(interpreted.exit_code == 75);
        REQUIRE(compiled.out == interpreted.out);
        return fixture_.run_json({"diff", "jit", "interp"});
    }

private:
    [[nodiscard]] VmResult run_to(std::uint64_t safepoints, const std::string& engine) const {
        static_cast<void>(fixture_.run({"rm", engine}));
        return fixture_.run({"run", "--engine=" + engine, "--name=" + engine, "--seed=7",
                             "--suspend-after=" + std::to_string(safepoints), program_});
    }

    ProcessFixture fixture_;
    std::string program_;
};

bool has_compiler() {
    const VmResult compiled = ProcessFixture().run({"run", "--engine=jit", "samples/hello.wasm"});
    if (compiled.exit_code == 0) return true;
    std::cout << "test skipped: " << compiled.err << '\n';
    return false;
}

}  // namespace

TEST_CASE("at any safepoint a program's checkpoint is the same from both engines", "[engine]") {
    const std::string name = GENERATE("hello", "arithmetic", "exceptions", "sums");
    const auto program =
        name == "hello" ? std::optional<std::string>("samples/hello.wasm") : guest(name);
    if (!program || !has_compiler()) return;
    const Shadowed shadowed(*program);
    const std::uint64_t last = shadowed.safepoints() - 1;
    const std::uint32_t seed = first_seed();
    std::mt19937 random(seed);

    for (int moment = 0; moment < 2; ++moment) {
        const auto safepoints = std::uniform_int_distribution<std::uint64_t>(1, last)(random);
        CAPTURE(name, seed, safepoints);
        const Json difference = shadowed.difference_at(safepoints);

        for (const Json& thread : difference["threads"]) {
            CAPTURE(thread.dump());
            REQUIRE(thread["same"] > 0);
            REQUIRE(thread["frames"].empty());
        }
        REQUIRE(difference["globals"].empty());
        // What returned calls have left behind there is nobody's.
        for (const Json& region : difference["regions"])
            REQUIRE((region["kind"] == "slots" || region["kind"] == "frames"));
    }
}
