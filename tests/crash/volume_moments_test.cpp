#include <csignal>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>

#include "tests/crash/await_output.hpp"
#include "tests/crash/effort.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn::tests;

namespace {

constexpr int kKills = 40;
constexpr int kSignalExit = 128 + SIGKILL;
const std::vector<std::string> kRhythm = {"--checkpoint-every", "10ms", "--keep", "last=3"};

std::vector<std::string> with_rhythm(std::vector<std::string> command) {
    command.insert(command.begin() + 1, kRhythm.begin(), kRhythm.end());
    return command;
}

/// A store, and the guest `moments` on a volume, which compares its files with its memory.
class VolumeMoments {
public:
    [[nodiscard]] VmOptions options() const {
        return {{"SOJOURN_STORE=" + (folder_.path() / "store").native()}, folder_.path()};
    }
    [[nodiscard]] VmResult run(const std::vector<std::string>& arguments) const {
        return vm(arguments, options());
    }

    /// After one checkpoint at least.
    void run_until_killed(const std::string& program) const {
        VmProcess runner(with_rhythm({"run", "--name", "job", "--volume", "data::/", program}),
                         options());
        await_output(runner, "round 50\n");
        REQUIRE(run({"checkpoint", "job"}).exit_code == 0);
        kill(runner);
    }

    void resume_and_kill_after(std::chrono::microseconds time, const std::string& cache) const {
        VmProcess runner(with_rhythm({"resume", "--cache", cache, "job"}), options());
        std::this_thread::sleep_for(time);
        kill(runner);
    }

    /// Says that it is enough, and lets it come to its end.
    void expect_agreement(const std::string& name) const {
        const std::string enough = folder_.path() / "enough";
        std::ofstream(enough).put('\n');
        const VmResult copied = run({"volume", "cp", enough, name + ":data/"});
        CAPTURE(copied.err);
        REQUIRE(copied.exit_code == 0);
        const VmResult ended = run({"resume", name});
        CAPTURE(ended.out, ended.err);
        REQUIRE(ended.exit_code == 0);
        REQUIRE(last_line(ended.out).starts_with("agree after "));
    }

    [[nodiscard]] const TemporaryFolder& folder() const { return folder_; }

private:
    static void kill(VmProcess& runner) {
        runner.send(SIGKILL);
        const VmResult result = runner.wait();
        CAPTURE(result.out, result.err);
        REQUIRE(result.exit_code == kSignalExit);
    }

    TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a volume and memory are one moment after kill -9 at any instant", "[crash][random]") {
    const auto program = guest("moments");
    if (!program) return;
    const VolumeMoments moments;
    moments.run_until_killed(*program);
    std::mt19937 random(announced_seed());

    for (int kill = 0; kill < kKills * effort(); ++kill) {
        INFO("kill " << kill);
        moments.resume_and_kill_after(std::chrono::microseconds(random() % 80'000),
                                      random() % 2 == 0 ? "512K" : "unlimited");
    }

    moments.expect_agreement("job");
}

TEST_CASE("each of a process's branches and images has files that agree with its memory",
          "[crash]") {
    const auto program = guest("moments");
    if (!program) return;
    const VolumeMoments moments;
    moments.run_until_killed(*program);
    const std::string image = moments.folder().path() / "image";
    REQUIRE(moments.run({"export", "job", "-o", image}).exit_code == 0);
    moments.resume_and_kill_after(std::chrono::milliseconds(200), "unlimited");
    REQUIRE(moments.run({"import", image, "--name", "copy"}).exit_code == 0);

    moments.expect_agreement("copy");
    moments.expect_agreement("job");
}
