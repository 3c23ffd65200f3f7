#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/crash/await_output.hpp"
#include "tests/crash/effort.hpp"
#include "tests/support/other_file_system.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

constexpr int kKills = 40;
constexpr int kSignalExit = 128 + SIGKILL;

/// A store, a folder, and the guest `moments` in it, which compares its files with its memory.
class MomentsFixture {
public:
    explicit MomentsFixture(std::string program) : program_(std::move(program)) {
        fs::create_directory(work());
    }

    [[nodiscard]] fs::path work() const { return folder_.path() / "work"; }
    [[nodiscard]] fs::path store() const { return store_; }
    void keep_store_in(const fs::path& place) { store_ = place; }

    [[nodiscard]] VmOptions options(const std::string& fault = "") const {
        return {{"SOJOURN_STORE=" + store_.native(), "SOJOURN_FAULT=" + fault}, folder_.path()};
    }
    [[nodiscard]] VmResult run(const std::vector<std::string>& arguments) const {
        return vm(arguments, options());
    }

    /// Runs it until it is killed, fifty rounds and more after its first checkpoint: who goes on
    /// from there surely finds files that stayed as they are to be others.
    void run_until_killed(const std::vector<std::string>& rhythm, const std::string& on_resume) {
        std::vector<std::string> command = {"run", "--name", "job", "--dir",
                                            work().native() + "::/" + on_resume};
        command.insert(command.end(), rhythm.begin(), rhythm.end());
        command.push_back(program_);
        VmProcess runner(command, options());
        await_output(runner, "round 100\n");
        runner.send(SIGKILL);
        REQUIRE(runner.wait().exit_code == kSignalExit);
    }

    [[nodiscard]] VmProcess resume(const std::vector<std::string>& more,
                                   const std::string& fault = "") const {
        std::vector<std::string> command = {"resume", "job"};
        command.insert(command.end(), more.begin(), more.end());
        return {command, options(fault)};
    }

    /// Resumes it once more and lets it come to its end.
    void expect_agreement() const {
        std::ofstream(work() / "enough").put('\n');
        const VmResult ended = run({"resume", "job"});
        CAPTURE(ended.out, ended.err);
        REQUIRE(ended.exit_code == 0);
        REQUIRE(last_line(ended.out).starts_with("agree after "));
    }

private:
    TemporaryFolder folder_;
    std::string program_;
    fs::path store_ = folder_.path() / "store";
};

/// Kills and resumes it at random instants.
void kill_again_and_again(const MomentsFixture& fixture, int kills,
                          const std::vector<std::string>& rhythm) {
    std::mt19937 random(announced_seed());
    for (int kill = 0; kill < kills; ++kill) {
        INFO("kill " << kill);
        VmProcess runner = fixture.resume(rhythm);
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 80'000));
        runner.send(SIGKILL);
        const VmResult result = runner.wait();
        CAPTURE(result.out, result.err);
        REQUIRE(result.exit_code == kSignalExit);
    }
}

}  // namespace

TEST_CASE("files and memory are one moment after kill -9 at any instant", "[crash][random]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    const std::vector<std::string> rhythm = {"--checkpoint-every", "10ms", "--keep", "last=3"};
    fixture.run_until_killed(rhythm, "");

    kill_again_and_again(fixture, kKills * effort(), rhythm);

    fixture.expect_agreement();
}

TEST_CASE("a process killed at any point of a change or of a way back resumes", "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    fixture.run_until_killed({}, "");
    // What a way back has to undo comes from the run that is killed before it.
    for (const char* visit : {"1", "2", "3", "7", "29"}) {
        for (const std::string fault :
             {"leases_change_made:kill:80", "leases_rollback_step:kill:",
              "leases_change_made:kill:", "leases_change_made:kill:90",
              "leases_rollback_step:kill:", "leases_change_noted:kill:"}) {
            const std::string point = fault.ends_with(':') ? fault + visit : fault;
            INFO("killed at " << point);
            VmProcess runner = fixture.resume({}, point);
            const VmResult result = runner.wait();
            CAPTURE(result.out, result.err);
            REQUIRE(result.exit_code == kSignalExit);
        }
    }

    fixture.expect_agreement();
}

TEST_CASE(
    "a way back that is killed after each of its notes, and again at the next, is gone to its end",
    "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    fixture.run_until_killed({}, "");
    // The first notes of a life tell how files were left.
    for (int note = 1; note <= 20; ++note) {
        for (int next = 1; next <= 8; ++next) {
            for (const int at : {note, next}) {
                const std::string point = fmt::format("leases_change_noted:kill:{}", at);
                INFO("killed at " << note << ", then " << next);
                const VmResult result = fixture.resume({}, point).wait();
                CAPTURE(result.out, result.err);
                REQUIRE(result.exit_code == kSignalExit);
            }
        }
    }

    fixture.expect_agreement();
}

TEST_CASE("a store on another file system, and one that syncs, bring files back as well",
          "[crash][random]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    const std::vector<std::string> rhythm = {"--checkpoint-every", "20ms", "--keep", "last=2"};

    SECTION("another file system") {
        const OtherFileSystem elsewhere;
        fixture.keep_store_in(elsewhere.path() / "store");
        fixture.run_until_killed(rhythm, "");
        kill_again_and_again(fixture, 8 * effort(), rhythm);
        fixture.expect_agreement();
    }
    SECTION("synced") {
        fixture.run_until_killed(rhythm, ",on-resume=rollback,sync");
        kill_again_and_again(fixture, 8 * effort(), rhythm);
        fixture.expect_agreement();
    }
}

TEST_CASE("with keep the guest finds its files as it left them, and what it removed while open",
          "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);

    fixture.run_until_killed({}, ",on-resume=keep");

    std::uintmax_t logged = 0;
    for (const auto& entry : fs::recursive_directory_iterator(fixture.store())) {
        if (entry.path().extension() == ".log") logged += entry.file_size();
    }
    REQUIRE(logged < 1024);  // the removal of the one that is open, and no content
    const VmResult resumed = fixture.run({"resume", "job"});
    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 1);
    REQUIRE(resumed.out.find("DIFFERS in round") != std::string::npos);
}

TEST_CASE("files that somebody else has changed are refused by name, with a remedy", "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    fixture.run_until_killed({}, "");
    const std::string log = read_text(fixture.work() / "log");
    std::ofstream(fixture.work() / "log", std::ios::app) << "somebody else's line\n";

    const VmResult refused = fixture.run({"resume", "job"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(refused.err.find("/work/log has ") != std::string::npos);
    REQUIRE(refused.err.find("vm resume --on-resume keep") != std::string::npos);
    REQUIRE(read_text(fixture.work() / "log") == log + "somebody else's line\n");

    REQUIRE(fixture.run({"resume", "job", "--on-resume", "nowhere=keep"}).exit_code == 125);
    REQUIRE(fixture.run({"resume", "job", "--on-resume", "/=keep"}).exit_code == 1);
}

TEST_CASE("with refuse a resume stops when a file is not what the checkpoint saw", "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    fixture.run_until_killed({}, ",on-resume=refuse");

    const VmResult refused = fixture.run({"resume", "job"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(refused.err.find("at the checkpoint it had") != std::string::npos);
}

TEST_CASE("a copy of a process does not take back what the other one has written", "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    fixture.run_until_killed({}, "");
    const std::string image = fixture.store().native() + ".image";
    REQUIRE(fixture.run({"export", "job", "-o", image}).exit_code == 0);
    REQUIRE(fixture.run({"import", image, "--name", "copy"}).exit_code == 0);
    const std::string log = read_text(fixture.work() / "log");

    const VmResult refused = fixture.run({"resume", "copy", "--grant-all"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE(refused.err.find("/work/log") != std::string::npos);
    REQUIRE(read_text(fixture.work() / "log") == log);
    fixture.expect_agreement();
}

TEST_CASE("what is kept of files is bounded by the checkpoints, and can be seen", "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    MomentsFixture fixture(*program);
    fixture.run_until_killed({}, "");
    for (int checkpoint = 0; checkpoint < 3; ++checkpoint) {
        VmProcess runner = fixture.resume({});
        await_output(runner, "round ");
        REQUIRE(fixture.run({"checkpoint", "job"}).exit_code == 0);
    }
    const auto bytes = [&] {
        const VmResult log = fixture.run({"log", "--json", "job"});
        return nlohmann::json::parse(log.out)["file_history_bytes"].get<std::uint64_t>();
    };
    const std::uint64_t before = bytes();

    const VmResult log = fixture.run({"log", "--json", "job"});
    const auto rows = nlohmann::json::parse(log.out)["checkpoints"];
    for (std::size_t row = 0; row + 1 < rows.size(); ++row)
        REQUIRE(fixture.run({"rm", "job@" + rows[row]["id"].dump()}).exit_code == 0);

    REQUIRE(rows.size() > 3);
    REQUIRE(bytes() < before);
    fixture.expect_agreement();
}
