#include <csignal>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/crash/await_output.hpp"
#include "tests/crash/effort.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

constexpr int kRuns = 4;

nlohmann::json answer(const std::vector<std::string>& arguments, const VmOptions& options) {
    const VmResult result = vm(arguments, options);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return nlohmann::json::parse(result.out);
}

nlohmann::json job(const VmOptions& options) {
    return answer({"ps", "--json"}, options)["processes"][0];
}

template <typename Predicate>
void await(Predicate predicate) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!predicate()) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

}  // namespace

TEST_CASE("a runner that slept while another took over publishes nothing and ends",
          "[crash][random]") {
    const auto program = guest("spin");
    if (!program) return;
    const TemporaryFolder folder;
    const VmOptions options{{"SOJOURN_STORE=" + (folder.path() / "store").native()}, folder.path()};
    const std::string expected = last_line(vm({"run", *program}, options).out);
    std::mt19937 random(announced_seed());

    for (int run = 0; run < kRuns * effort(); ++run) {
        INFO("run " << run);
        VmProcess sleeper({"run", "--name", "job", "--replace", "--checkpoint-every", "1ms",
                           "--keep", "last=4", *program},
                          options);
        await_output(sleeper, "round 1");
        await([&] { return !job(options)["head"].is_null(); });
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
        sleeper.send(SIGSTOP);
        // As on a host that does not see the other's locks.
        for (const auto& entry : fs::directory_iterator(folder.path() / "store/run")) {
            if (entry.path().extension() == ".lock") fs::remove(entry.path());
        }
        VmProcess owner({"resume", "job"}, options);
        // It may have to wait for a transaction that the sleeper has begun.
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 100));
        sleeper.send(SIGCONT);
        await([&] { return job(options)["epoch"] == 2; });
        const auto at_take_over = answer({"log", "--json", "job"}, options);

        REQUIRE(sleeper.wait().exit_code == 125);
        REQUIRE(sleeper.wait().err.find("lease lost") != std::string::npos);
        REQUIRE(owner.wait().exit_code == 0);
        REQUIRE(last_line(owner.wait().out) == expected);
        REQUIRE(answer({"log", "--json", "job"}, options) == at_take_over);
    }
}
