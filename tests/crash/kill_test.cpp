#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/crash/effort.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/vm_command.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

constexpr int kRuns = 100;
constexpr int kVerbRuns = 25;
constexpr int kTriesMax = 30;
constexpr int kSmallMebibytes = 1;
constexpr int kStagingMebibytes = 9;  ///< a commit writes one piece ahead, and the rest

/// A store, a folder for the guest, and what the guest does when nobody disturbs it.
class CrashFixture {
public:
    CrashFixture(std::string program, int mebibytes)
        : program_(std::move(program)), mebibytes_(std::to_string(mebibytes)) {
        clear_work();
        const VmResult undisturbed =
            vm({"run", "--dir", work().native() + "::/", program_, mebibytes_}, options());
        REQUIRE(undisturbed.exit_code == 0);
        last_line_ = last_line(undisturbed.out);
        log_ = read_text(work() / "ledger.log");
    }

    void clear_work() const {
        fs::remove_all(work());
        fs::create_directory(work());
    }

    [[nodiscard]] VmOptions options(const std::string& fault = "") const {
        return {{"SOJOURN_STORE=" + (folder_.path() / "store").native(), "SOJOURN_FAULT=" + fault},
                folder_.path()};
    }

    [[nodiscard]] VmProcess start(const std::string& fault = "",
                                  const std::vector<std::string>& more = {}) const {
        clear_work();
        std::vector<std::string> arguments = {"run", "--name", "job", "--replace"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        for (const auto& argument :
             {std::string("--dir"), work().native() + "::/", program_, mebibytes_})
            arguments.push_back(argument);
        return {arguments, options(fault)};
    }

    /// The number of a checkpoint that was acknowledged, else nothing.
    [[nodiscard]] std::optional<std::uint64_t> checkpoint() const {
        const VmResult asked = vm({"checkpoint", "job"}, options());
        if (asked.exit_code != 0) return std::nullopt;
        REQUIRE(asked.out.starts_with("job@"));
        return std::stoull(asked.out.substr(4));
    }

    [[nodiscard]] bool lists(std::uint64_t checkpoint) const {
        const VmResult log = vm({"log", "--json", "job"}, options());
        REQUIRE(log.exit_code == 0);
        const auto rows = nlohmann::json::parse(log.out)["checkpoints"];
        return std::any_of(rows.begin(), rows.end(),
                           [&](const auto& row) { return row["id"] == checkpoint; });
    }

    /// What it would go on from; nothing without a checkpoint.
    [[nodiscard]] std::optional<std::uint64_t> head() const {
        const auto object = nlohmann::json::parse(vm({"ps", "--json"}, options()).out);
        const auto& head = object["processes"][0]["head"];
        return head.is_null() ? std::nullopt : std::optional<std::uint64_t>(head);
    }

    /// Whether its end was recorded before the runner was killed.
    [[nodiscard]] bool has_exited() const {
        const auto object = nlohmann::json::parse(vm({"ps", "--json"}, options()).out);
        return object["processes"][0]["state"] == "exited";
    }

    [[nodiscard]] const std::string& expected_last_line() const { return last_line_; }

    /// Resumes it and expects the end of the undisturbed run.
    void expect_resumes() const {
        const VmResult resumed = vm({"resume", "job"}, options());
        INFO(resumed.err);
        REQUIRE(resumed.exit_code == 0);
        REQUIRE(last_line(resumed.out) == last_line_);
        REQUIRE(read_text(work() / "ledger.log") == log_);
    }

    [[nodiscard]] fs::path work() const { return folder_.path() / "work"; }

private:
    TemporaryFolder folder_;
    std::string program_;
    std::string mebibytes_;
    std::string last_line_;
    std::string log_;
};

/// Waits until the guest has gone through two more rounds, so that its array has changed all over,
/// or has ended.
void await_two_rounds(VmProcess& runner) {
    const auto rounds = [&] {
        const std::string out = runner.out();
        return std::count(out.begin(), out.end(), '\n');
    };
    const auto wanted = rounds() + 2;
    while (rounds() < wanted && !runner.has_ended())
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

/// When a runner is killed: some time after so many checkpoints were acknowledged.
struct Moment {
    int after_checkpoints;
    std::chrono::microseconds delay;
};

/// Takes checkpoints in a loop until the runner is killed or has ended. Gives the last that was
/// acknowledged.
std::optional<std::uint64_t> checkpoint_until_killed(const CrashFixture& fixture, VmProcess& runner,
                                                     Moment moment) {
    std::optional<std::uint64_t> acknowledged;
    std::atomic<bool> killed = false;
    std::thread killer;
    for (int count = 0; !killed;) {
        if (count == moment.after_checkpoints && !killer.joinable()) {
            killer = std::thread([&] {
                std::this_thread::sleep_for(moment.delay);
                runner.send(SIGKILL);
                killed = true;
            });
        }
        if (const auto checkpoint = fixture.checkpoint()) {
            acknowledged = checkpoint;
            ++count;
        } else if (!killer.joinable() && runner.has_ended()) {
            break;
        }
    }
    if (killer.joinable()) killer.join();
    return acknowledged;
}

/// No part of a checkpoint: tests of their own kill there.
bool is_elsewhere(const std::string& point) {
    return point.starts_with("leases_") || point.starts_with("store_fork_") ||
           point.starts_with("store_compact_") || point.starts_with("store_code_") ||
           point.starts_with("vm_compile_");
}

/// What came of a process that was to be killed at a fault point.
enum class Fate {
    killed,
    killed_early,  ///< by what was done before, at an earlier visit than was wanted
    ended,         ///< the guest was faster than the commands
};

/// Takes checkpoints until `fault` kills the runner. `acknowledged` gets their numbers.
Fate kill_in_checkpoint(const CrashFixture& fixture, const std::string& fault,
                        std::vector<std::uint64_t>& acknowledged) {
    INFO("killed at " << fault);
    acknowledged.clear();
    VmProcess runner = fixture.start(fault);
    while (!runner.has_ended()) {
        if (const auto checkpoint = fixture.checkpoint()) acknowledged.push_back(*checkpoint);
    }

    const int exit_code = runner.wait().exit_code;
    if (exit_code == 0) return Fate::ended;
    REQUIRE(exit_code == 128 + SIGKILL);
    return Fate::killed;
}

/// Checkpoints a process that is to be killed at `fault`, then suspends it, which is what kills it.
Fate kill_in_suspend(const CrashFixture& fixture, const std::string& fault) {
    INFO("killed at " << fault);
    VmProcess runner = fixture.start(fault);
    await_two_rounds(runner);
    const auto checkpoint = fixture.checkpoint();
    await_two_rounds(runner);

    const VmResult suspended = vm({"suspend", "job"}, fixture.options());

    REQUIRE(suspended.exit_code == 125);
    const int exit_code = runner.wait().exit_code;
    if (exit_code == 0) return Fate::ended;
    REQUIRE(exit_code == 128 + SIGKILL);
    return checkpoint ? Fate::killed : Fate::killed_early;
}

}  // namespace

TEST_CASE("the last acknowledged checkpoint restores after kill -9 at any moment",
          "[crash][random]") {
    const auto program = guest("ledger");
    if (!program) return;
    const CrashFixture fixture(*program, kSmallMebibytes);
    std::mt19937 random(announced_seed());
    std::uniform_int_distribution<int> checkpoints(0, 3);
    std::uniform_int_distribution<int> delay_us(0, 30'000);
    int killed_with_checkpoint = 0;

    const int runs = kRuns * effort();
    for (int run = 0; run < runs; ++run) {
        INFO("run " << run);
        VmProcess runner = fixture.start();
        const Moment moment{checkpoints(random), std::chrono::microseconds(delay_us(random))};

        const auto acknowledged = checkpoint_until_killed(fixture, runner, moment);

        if (runner.wait().exit_code != 128 + SIGKILL || !acknowledged) continue;
        ++killed_with_checkpoint;
        REQUIRE(fixture.lists(*acknowledged));
        if (fixture.has_exited()) {
            REQUIRE(last_line(runner.wait().out) == fixture.expected_last_line());
        } else {
            fixture.expect_resumes();
        }
    }

    WARN(killed_with_checkpoint << " of " << runs << " runs were killed with a checkpoint");
    REQUIRE(killed_with_checkpoint > runs / 2);
}

TEST_CASE("whichever verb is killed, the newest acknowledged checkpoint restores",
          "[crash][random]") {
    const auto program = guest("ledger");
    if (!program) return;
    const CrashFixture fixture(*program, kSmallMebibytes);
    std::mt19937 random(announced_seed());
    const auto sleep_some = [&] {
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    };
    const std::string image = fixture.work().parent_path() / "job.image";

    int survived = 0;
    for (int run = 0; run < kVerbRuns * effort(); ++run) {
        INFO("run " << run);
        VmProcess runner = fixture.start(
            "", {"--cache", "512K", "--checkpoint-every", "20ms", "--keep", "last=3"});
        std::optional<std::uint64_t> acknowledged;
        while (!acknowledged && !runner.has_ended())
            acknowledged = fixture.checkpoint();
        if (!acknowledged) continue;
        const std::vector<std::vector<std::string>> verbs = {
            {"suspend", "job"},
            {"checkpoint", "job"},
            {"rm", "job@" + std::to_string(*acknowledged)},
            {"export", "job", "-o", image + std::to_string(run)},
            {"import", image, "--name", "copy" + std::to_string(run)},
        };
        if (!fs::exists(image)) vm({"export", "job", "-o", image}, fixture.options());

        VmProcess verb(verbs[random() % verbs.size()], fixture.options());
        sleep_some();
        verb.send(SIGKILL);
        sleep_some();
        runner.send(SIGKILL);
        runner.wait();
        verb.wait();
        vm({"rm", "copy" + std::to_string(run)}, fixture.options());

        REQUIRE(fixture.head() >= acknowledged);
        if (fixture.has_exited()) continue;
        // Killed once more on its way.
        VmProcess resumed({"resume", "job", "--cache", "512K"}, fixture.options());
        sleep_some();
        resumed.send(SIGKILL);
        resumed.wait();
        if (fixture.has_exited()) continue;
        fixture.expect_resumes();
        ++survived;
    }
    REQUIRE(survived > kVerbRuns * effort() / 4);
}

TEST_CASE("a process killed at any fault point of a checkpoint resumes", "[crash]") {
    const auto program = guest("ledger");
    if (!program) return;
    const CrashFixture fixture(*program, kStagingMebibytes);

    for (const std::string point : {
#define POINT(name) #name,
#include "base/fault_points.def"
#undef POINT
         }) {
        if (point == "process_suspend_before_release" || is_elsewhere(point)) continue;
        for (const char* visit : {"1", "2", "3"}) {
            const std::string fault = point + ":kill:" + visit;
            std::vector<std::uint64_t> acknowledged;

            int tries = 1;
            while (kill_in_checkpoint(fixture, fault, acknowledged) == Fate::ended) {
                INFO("the guest ended before visit " << visit << " of " << point);
                REQUIRE(++tries <= kTriesMax);
            }

            if (acknowledged.empty()) continue;
            REQUIRE(fixture.lists(acknowledged.back()));
            fixture.expect_resumes();
        }
    }
}

TEST_CASE("a process killed at any fault point of a suspend resumes", "[crash]") {
    const auto program = guest("ledger");
    if (!program) return;
    const CrashFixture fixture(*program, kStagingMebibytes);

    for (const std::string point : {
#define POINT(name) #name,
#include "base/fault_points.def"
#undef POINT
         }) {
        if (is_elsewhere(point)) continue;
        // A checkpoint may pass a point of its own more than once.
        int visit = point == "process_suspend_before_release" ? 1 : 2;
        for (int tries = 1;; ++tries) {
            const Fate fate = kill_in_suspend(fixture, point + ":kill:" + std::to_string(visit));
            if (fate == Fate::killed) break;
            if (fate == Fate::killed_early) ++visit;
            INFO("not yet killed at visit " << visit << " of " << point);
            REQUIRE(tries < kTriesMax);
        }
        fixture.expect_resumes();
    }
}
