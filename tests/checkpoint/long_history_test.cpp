#include <chrono>
#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/input_pipe.hpp"

/// A history as long and as large as a person may let it become. Its length in MiB is
/// SOJOURN_LONG_HISTORY: 2048 unless it is set.
using namespace sojourn::tests;
using Milliseconds = std::chrono::duration<double, std::milli>;

namespace {

constexpr std::uint64_t kCheckpoints = 1000;
constexpr std::uint64_t kBranches = 200;
constexpr std::uint64_t kTrunk = kCheckpoints - kBranches * 2;
constexpr Milliseconds kFirstOutputMax{100};

std::uint64_t mebibytes() {
    const char* text = std::getenv("SOJOURN_LONG_HISTORY");
    return text == nullptr ? 2048 : std::strtoull(text, nullptr, 10);
}

class LongHistory {
public:
    explicit LongHistory(std::string program)
        : program_(std::move(program)),
          mebibytes_a_round_(std::to_string((mebibytes() + kCheckpoints - 1) / kCheckpoints)) {
        feed({"run", "--name", "job", program_, mebibytes_a_round_}, kTrunk);
        for (std::uint64_t branch = 0; branch < kBranches; ++branch)
            feed({"resume", fmt::format("job@{}", 1 + random_() % (kTrunk - 1))}, 2);
    }

    /// From the command to the first byte on its standard output; then it is let go on to its end,
    /// or ended.
    Milliseconds first_output(const std::vector<std::string>& arguments) {
        InputPipe silence;
        VmOptions options = fixture.options();
        options.standard_input = silence.reader();
        const auto begun = std::chrono::steady_clock::now();
        VmProcess process(arguments, options);
        while (process.out().empty() && !process.has_ended())
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        const Milliseconds took = std::chrono::steady_clock::now() - begun;
        silence.end();
        REQUIRE(process.wait().exit_code == 0);
        REQUIRE_FALSE(process.wait().out.empty());
        return took;
    }

    ProcessFixture fixture;

private:
    void feed(const std::vector<std::string>& arguments, std::uint64_t rounds) {
        InputPipe pipe;
        VmOptions options = fixture.options();
        options.standard_input = pipe.reader();
        VmProcess process(arguments, options);
        for (std::uint64_t round = 0; round < rounds; ++round)
            pipe.write(fmt::format("{}\n", ++number_));
        pipe.end();
        const VmResult& result = process.wait();
        INFO(result.err);
        REQUIRE(result.exit_code == 0);
    }

    std::string program_;
    std::string mebibytes_a_round_;
    std::mt19937 random_{1};
    std::uint64_t number_ = 0;
};

}  // namespace

TEST_CASE("a long history answers at once", "[.long_history]") {
    const auto program = guest("noise");
    if (!program) return;
    LongHistory history(*program);
    const auto log = history.fixture.run_json({"log", "job"})["checkpoints"];
    REQUIRE(log.size() == kCheckpoints);
    std::set<std::uint64_t> parents;
    for (const auto& row : log)
        parents.insert(row["parent"].is_null() ? 0 : row["parent"].get<std::uint64_t>());
    REQUIRE(parents.size() <= kCheckpoints - kBranches);
    const auto usage = history.fixture.run_json({"store", "stat"});
    REQUIRE(usage["kinds"]["memory_bytes"] >= mebibytes() << 20U);
    const std::string oldest = "job@" + log[10]["id"].dump();
    const std::string newest = "job@" + log.back()["id"].dump();

    for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{
             {"ps"},
             {"log", "job"},
             {"log", "job", "--json"},
             {"resume", newest},
             {"resume", oldest},
             {"fork", oldest, "copy"},
             {"prune", "job", "--keep", "last=900", "--dry-run"},
             {"prune", "job", "--keep", "last=900"},
         }) {
        std::string command;
        for (const std::string& word : verb)
            command += " " + word;
        const Milliseconds took = history.first_output(verb);
        std::cout << fmt::format("{:7.1f} ms to the first output of vm{}\n", took.count(), command);
        CHECK(took <= kFirstOutputMax);
    }
    REQUIRE(history.fixture.run({"store", "verify"}).exit_code == 0);
}
