#include <csignal>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

constexpr const char* kMechanisms[] = {"uffd-async", "uffd-sync", "mprotect"};

/// One run with all that it left behind.
struct Run {
    VmResult result;
    std::string files;
    nlohmann::json stats;
};

/// Names and contents of all files below `folder`, in one text.
std::string contents_of(const fs::path& folder) {
    std::vector<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::string text;
    for (const auto& path : paths) {
        text += path.lexically_relative(folder).native() + ":\n";
        if (fs::is_regular_file(path)) text += read_text(path);
    }
    return text;
}

Run run_guest(const std::string& program, const std::vector<std::string>& options) {
    TemporaryFolder folder;
    const fs::path work = folder.path() / "work";
    const fs::path stats = folder.path() / "stats.json";
    fs::create_directory(work);
    std::vector<std::string> arguments = {
        "run", "--stats", stats, "--dir", work.native() + "::/", "--env", "GREETING=hello"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    arguments.push_back(program);
    Run run;
    run.result = vm(arguments, {{"TMPDIR=" + folder.path().native()}, folder.path()});
    run.files = contents_of(work);
    run.stats = nlohmann::json::parse(read_text(stats), nullptr, false);
    return run;
}

/// Whether this host has the mechanism; a run that may not use it proves nothing.
bool has_mechanism(const std::string& program, const std::string& mechanism) {
    const Run run = run_guest(program, {"--heap-mechanism=" + mechanism});
    if (run.result.exit_code != 125) return true;
    WARN("not on this host: " << run.result.err);
    return false;
}

void expect_same_when_reincarnated(const std::string& name, std::uint64_t every,
                                   int exit_code = 0) {
    const auto program = guest(name);
    if (!program) return;
    const Run expected = run_guest(*program, {});
    REQUIRE(expected.result.exit_code == exit_code);
    for (const std::string mechanism : kMechanisms) {
        if (!has_mechanism(*program, mechanism)) continue;
        INFO(name << " with " << mechanism << ", reincarnated at every " << every << ". safepoint");

        const Run run = run_guest(*program, {"--heap-mechanism=" + mechanism,
                                             "--reincarnate-every=" + std::to_string(every)});

        CHECK(run.result.err == expected.result.err);
        CHECK(run.result.out == expected.result.out);
        CHECK(run.result.exit_code == expected.result.exit_code);
        CHECK(run.files == expected.files);
        REQUIRE(run.stats["heap_mechanism"] == mechanism);
        const auto safepoints = run.stats["safepoints"].get<std::uint64_t>();
        const auto reincarnations = run.stats["reincarnations"].get<std::uint64_t>();
        CHECK(safepoints > 10);
        CHECK(reincarnations >= safepoints / every - 1);
        CHECK(reincarnations <= safepoints / every + 1);
        CHECK(run.stats["checkpoints"] == reincarnations);
        CHECK(run.stats["host_calls"] == expected.stats["host_calls"]);
        CHECK(run.stats["safepoints"] == expected.stats["safepoints"]);
    }
}

}  // namespace

TEST_CASE("calls and numbers survive a reincarnation at every safepoint", "[checkpoint]") {
    expect_same_when_reincarnated("arithmetic", 1, 7);
}

TEST_CASE("memory that grows survives a reincarnation at every safepoint", "[checkpoint]") {
    expect_same_when_reincarnated("memory", 1);
}

TEST_CASE("a 64-bit memory survives a reincarnation at every safepoint", "[checkpoint][memory64]") {
    expect_same_when_reincarnated("bigmap64", 1);
}

TEST_CASE("open files survive a reincarnation at every safepoint", "[checkpoint]") {
    expect_same_when_reincarnated("files", 1);
}

TEST_CASE("a start function goes on after a reincarnation and main follows it", "[checkpoint]") {
    expect_same_when_reincarnated("start_function", 1, 42);
}

TEST_CASE("a trap after reincarnations is the trap of the plain run, frame by frame",
          "[checkpoint]") {
    expect_same_when_reincarnated("trap", 1, 134);
}

TEST_CASE("a guest reincarnated now and then ends as it does undisturbed", "[checkpoint]") {
    for (const std::uint64_t every : {3U, 64U}) {
        expect_same_when_reincarnated("arithmetic", every, 7);
        expect_same_when_reincarnated("memory", every);
        expect_same_when_reincarnated("files", every);
    }
}

TEST_CASE("an unnamed run leaves nothing behind, reincarnated, interrupted or neither",
          "[checkpoint]") {
    const auto program = guest("arithmetic");
    const auto endless = guest("endless");
    if (!program || !endless) return;
    const TemporaryFolder folder;
    const fs::path empty = folder.path() / "empty";
    fs::create_directory(empty);
    const VmOptions options{
        {"TMPDIR=" + empty.native(), "HOME=" + empty.native(), "XDG_DATA_HOME=" + empty.native()},
        folder.path()};

    REQUIRE(vm({"run", *program}, options).exit_code == 7);
    REQUIRE(fs::is_empty(empty));

    REQUIRE(vm({"run", "--reincarnate-every", "50", *program}, options).exit_code == 7);
    REQUIRE(fs::is_empty(empty));

    for (const int signal : {SIGINT, SIGTERM}) {
        VmProcess runner({"run", "--reincarnate-every", "1000000000", *endless}, options);
        await_output(runner, "begun");
        REQUIRE_FALSE(fs::is_empty(empty));

        runner.send(signal);

        REQUIRE(runner.wait().exit_code == 128 + signal);
        REQUIRE(fs::is_empty(empty));
    }
}
