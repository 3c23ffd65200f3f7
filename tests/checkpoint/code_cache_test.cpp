#include <fstream>
#include <iostream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;

namespace {

const std::string kProgram = "samples/hello.wasm";

/// What became of the code of a run.
struct Codes {
    std::uint64_t compiled = 0;
    std::uint64_t found = 0;
};

class CodeFixture : public ProcessFixture {
public:
    /// Runs the program, in compiled code, with more options.
    Codes run_compiled(const std::vector<std::string>& more = {},
                       const std::vector<std::string>& environment = {}) const {
        const std::string stats = folder() / "stats";
        std::vector<std::string> command{"run", "--engine=jit", "--stats=" + stats};
        command.insert(command.end(), more.begin(), more.end());
        command.push_back(kProgram);
        VmOptions here = options();
        here.environment.insert(here.environment.begin(), environment.begin(), environment.end());
        const VmResult result = vm(command, here);
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
        const auto code = nlohmann::json::parse(read_text(stats))["functions"];
        return {code.value("compiled", std::uint64_t{0}),
                code.value("found in the cache", std::uint64_t{0})};
    }

    [[nodiscard]] std::uint64_t code_bytes() const {
        return run_json({"store", "stat"})["kinds"]["code_bytes"];
    }
    [[nodiscard]] std::filesystem::path database() const {
        return std::filesystem::path(store()) / "code" / "data.mdb";
    }
};

/// False, having said so, when this build compiles nothing.
bool has_compiler(const CodeFixture& fixture) {
    const VmResult compiled = fixture.run({"run", "--engine=jit", kProgram});
    if (compiled.exit_code != 125) return true;
    std::cout << "test skipped: " << compiled.err << '\n';
    return false;
}

}  // namespace

TEST_CASE("what one run compiled the next one finds", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;

    const Codes cold = fixture.run_compiled({"--name=job"});
    const Codes warm = fixture.run_compiled({"--name=other"});
    const Codes nameless = fixture.run_compiled();

    REQUIRE(cold.compiled > 10);
    REQUIRE(cold.found == 0);
    REQUIRE(warm.compiled == 0);
    REQUIRE(warm.found == cold.compiled);
    REQUIRE(nameless.compiled == 0);
    REQUIRE(nameless.found == cold.compiled);
}

TEST_CASE("a run without a name makes no store for its code", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;

    REQUIRE(fixture.run_compiled().compiled > 0);

    REQUIRE_FALSE(std::filesystem::exists(fixture.store()));
    REQUIRE_FALSE(std::filesystem::exists(fixture.folder() / "state"));
}

TEST_CASE("code is kept or not as is asked for", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;

    fixture.run_compiled({"--name=job", "--code-cache=0"});
    REQUIRE(fixture.run_compiled({"--code-cache=4K"}).found == 0);
    REQUIRE(fixture.run_compiled({"--code-cache=4K"}).found <= 1);
    REQUIRE(fixture.code_bytes() < 16 << 10);
}

TEST_CASE("what is compiled ahead is not compiled again", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;

    const auto ahead = fixture.run_json({"compile", kProgram});
    const auto again = fixture.run_json({"compile", "--jit-threads=1", kProgram});
    const Codes run = fixture.run_compiled({"--name=job"});

    REQUIRE(ahead["compiled"] > 10);
    REQUIRE(ahead["present"] == 0);
    REQUIRE(again["compiled"] == 0);
    REQUIRE(again["present"] == ahead["compiled"]);
    REQUIRE(run.compiled == 0);
    REQUIRE(run.found > 10);
}

TEST_CASE("a module that is none, or a place where nothing stays, is not compiled ahead",
          "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    std::ofstream(fixture.folder() / "none.wasm") << "no module";

    const VmResult none = fixture.run({"compile", fixture.folder() / "none.wasm"});
    const VmResult nowhere = fixture.run({"compile", "--store=mem:", kProgram});

    REQUIRE(none.exit_code == 125);
    REQUIRE(none.err.find("none.wasm") != std::string::npos);
    REQUIRE(nowhere.exit_code == 125);
}

TEST_CASE("a store that came from another host brings no code along", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    const Codes cold = fixture.run_compiled({"--name=job"});
    const std::vector<std::string> another{"XDG_STATE_HOME=" + (fixture.folder() / "b").native()};

    const Codes there = fixture.run_compiled({}, another);

    REQUIRE(there.found == 0);
    REQUIRE(there.compiled == cold.compiled);
    REQUIRE(fixture.run_compiled({}, another).found == cold.compiled);
}

TEST_CASE("an image brings no code along", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    const CodeFixture there;
    const std::string image = fixture.folder() / "image";
    REQUIRE(fixture.run({"run", "--engine=jit", "--name=job", "--suspend-after=20", kProgram})
                .exit_code == 75);

    REQUIRE(fixture.run({"export", "job", "-o", image}).exit_code == 0);
    REQUIRE(there.run({"import", image}).exit_code == 0);

    REQUIRE(fixture.code_bytes() > 0);
    REQUIRE(there.code_bytes() == 0);
}

TEST_CASE("two runners keep the same code at once", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    REQUIRE(fixture.run({"store", "init"}).exit_code == 0);

    VmProcess one = fixture.start({"run", "--engine=jit", kProgram});
    VmProcess other = fixture.start({"run", "--engine=jit", kProgram});

    REQUIRE(one.wait().exit_code == 0);
    REQUIRE(other.wait().exit_code == 0);
    REQUIRE(fixture.run_compiled().compiled == 0);
    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
}

TEST_CASE("a runner that is killed while it writes code has lost no process", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    const std::string whole = fixture.run({"run", kProgram}).out;
    const VmResult begun = fixture.run({"run", "--name=job", "--suspend-after=20", kProgram});
    REQUIRE(begun.exit_code == 75);

    VmOptions killed = fixture.options();
    killed.environment.emplace_back("SOJOURN_FAULT=store_code_before_commit:kill");
    REQUIRE(vm({"resume", "--engine=jit", "--suspend-after=20", "job"}, killed).exit_code == 137);

    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
    REQUIRE(fixture.code_bytes() < 64 << 10);
    const VmResult last = fixture.run({"resume", "--engine=jit", "job"});
    REQUIRE(last.exit_code == 0);
    REQUIRE(whole.ends_with(last.out));
}

TEST_CASE("a store's verbs know the code in it", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    const Codes cold = fixture.run_compiled({"--name=job"});

    const auto kinds = fixture.run_json({"store", "stat"})["kinds"];
    REQUIRE(kinds["code_bytes"] > 1000 * cold.compiled);
    REQUIRE(fixture.run({"store", "compact"}).exit_code == 0);
    REQUIRE(fixture.run({"rm", "job"}).exit_code == 0);
    REQUIRE(fixture.run_compiled().found == cold.compiled);
    const std::string mended = fixture.folder() / "mended";
    REQUIRE(fixture.run({"store", "repair", "--into", mended}).exit_code == 0);

    REQUIRE_FALSE(std::filesystem::exists(std::filesystem::path(mended) / "code"));
}

TEST_CASE("a damaged cache is told of, and made anew by the next run", "[code]") {
    const CodeFixture fixture;
    if (!has_compiler(fixture)) return;
    const Codes cold = fixture.run_compiled({"--name=job"});
    std::filesystem::resize_file(fixture.database(), 3 * 4096);

    const VmResult verified = fixture.run({"store", "verify"});
    REQUIRE(verified.exit_code == 125);
    REQUIRE(verified.out.find("code") != std::string::npos);
    REQUIRE(fixture.run({"store", "compact"}).exit_code == 0);
    REQUIRE(fixture.run_compiled().compiled == cold.compiled);

    REQUIRE(fixture.run({"store", "verify"}).exit_code == 0);
    REQUIRE(fixture.run_compiled().compiled == 0);
}
