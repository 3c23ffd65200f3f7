#include <csignal>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/crash/await_output.hpp"
#include "tests/crash/effort.hpp"
#include "tests/crash/failing_disk.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

using Kind = DiskFailure::Kind;

int count_of(const std::string& text, const std::string& part) {
    int count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

/// In CI those two that have found most.
std::vector<DiskFailure> failures() {
    constexpr int kForever = DiskFailure::kForever;
    std::vector<DiskFailure> some = {{Kind::write, 1, kForever, ENOSPC}, {Kind::sync, 1, 1, EIO}};
    if (effort() == 1) return some;
    some.push_back({Kind::write, 1, 1, ENOSPC});
    some.push_back({Kind::write, 1, 1, EIO});
    some.push_back({Kind::sync, 1, kForever, EIO});
    return some;
}

/// Calls `body` with each way in which one of the disk calls `begin` to `end` of a vm can fail.
template <typename Calls, typename Body>
void for_each_failure(Calls calls, Body body) {
    for (DiskFailure failure : failures()) {
        const auto [begin, end] = calls(failure.kind);
        for (failure.first = begin; failure.first <= end; ++failure.first) {
            INFO("failing " << failure.text());
            body(failure);
        }
    }
}

/// The disk calls of one vm command, made once on a healthy disk.
auto calls_of(const FailingDisk& disk, const std::vector<std::string>& arguments) {
    return [&disk, arguments](Kind kind) {
        const int before = disk.calls(kind);
        REQUIRE(vm(arguments, disk.healthy()).exit_code == 0);
        return std::pair(1, disk.calls(kind) - before);
    };
}

std::size_t process_count(const FailingDisk& disk) {
    const VmResult ps = vm({"ps", "--json"}, disk.healthy());
    REQUIRE(ps.exit_code == 0);
    return nlohmann::json::parse(ps.out)["processes"].size();
}

}  // namespace

TEST_CASE("a run whose disk fails at any call keeps what it acknowledged", "[crash][disk]") {
    const auto program = guest("steps");
    if (!program) return;
    const FailingDisk disk(*program);
    const auto calls = [&](Kind kind) {
        disk.clear();
        return calls_of(disk, disk.run_arguments())(kind);
    };

    for_each_failure(calls, [&](const DiskFailure& failure) {
        disk.clear();

        const VmResult result = vm(disk.run_arguments(), disk.failing(failure));

        INFO(result.out << result.err);
        if (result.exit_code == 0) {
            REQUIRE(last_line(result.out) == disk.expected_last_line());
        } else {
            disk.expect_clear_error(result, failure);
        }
        const int acknowledged = count_of(result.out, "durable");
        // One call that fails is one checkpoint that fails.
        if (failure.count == 1 && result.exit_code == 0) REQUIRE(acknowledged >= 3);
        if (acknowledged > 0) return disk.expect_kept(acknowledged);
        REQUIRE(vm(disk.run_arguments(), disk.healthy()).exit_code == 0);
    });
}

TEST_CASE("a suspend that the disk refuses leaves the process running", "[crash][disk]") {
    const auto program = guest("steps");
    if (!program) return;
    const FailingDisk disk(*program);
    const auto calls_of_suspend = [&](Kind kind) {
        disk.clear();
        const InputPipe silence;
        VmProcess runner(disk.run_arguments(), disk.healthy(silence.reader()));
        await_output(runner, "step 2");
        const int before = disk.calls(kind);
        REQUIRE(vm({"suspend", "job"}, disk.healthy()).exit_code == 0);
        return std::pair(before, disk.calls(kind));
    };

    for_each_failure(calls_of_suspend, [&](const DiskFailure& failure) {
        disk.clear();
        const InputPipe silence;
        VmProcess runner(disk.run_arguments(), disk.failing(failure, silence.reader()));
        await_output(runner, "step 2");

        const VmResult suspended = vm({"suspend", "job"}, disk.healthy());

        INFO(suspended.err);
        if (suspended.exit_code != 0) {
            disk.expect_clear_error(suspended, failure);
            REQUIRE_FALSE(runner.has_ended());
            if (failure.count == 1) REQUIRE(vm({"suspend", "job"}, disk.healthy()).exit_code == 0);
            runner.send(SIGKILL);
        }
        runner.wait();
        disk.expect_kept(count_of(runner.out(), "durable"));
    });
}

TEST_CASE("a resume or a removal that the disk refuses harms nothing", "[crash][disk]") {
    const auto program = guest("steps");
    if (!program) return;
    const FailingDisk disk(*program);
    const auto arguments = GENERATE(values<std::vector<std::string>>(
        {{"resume", "job@2", "--keep", "last=1"}, {"rm", "job@2"}}));
    const auto prepare = [&] {
        disk.clear();
        REQUIRE(vm(disk.run_arguments(), disk.healthy()).exit_code == 0);
    };
    const auto calls = [&](Kind kind) {
        prepare();
        return calls_of(disk, arguments)(kind);
    };

    for_each_failure(calls, [&](const DiskFailure& failure) {
        prepare();

        const VmResult result = vm(arguments, disk.failing(failure));

        INFO(arguments.front() << ": " << result.err);
        if (result.exit_code != 0) disk.expect_clear_error(result, failure);
        disk.expect_kept(1);
    });
}

TEST_CASE("an export or import that the disk refuses leaves nothing half made", "[crash][disk]") {
    const auto program = guest("steps");
    if (!program) return;
    const FailingDisk disk(*program);
    const std::string image = disk.root() / "job.image";
    const std::vector<std::string> export_job = {"export", "job", "-o", image};
    const std::vector<std::string> import_copy = {"import", image, "--name", "copy"};
    REQUIRE(vm(disk.run_arguments(), disk.healthy()).exit_code == 0);

    for_each_failure(calls_of(disk, export_job), [&](const DiskFailure& failure) {
        fs::remove(image);
        const VmResult result = vm(export_job, disk.failing(failure));
        disk.expect_clear_error(result, failure);
        const auto files = std::distance(fs::directory_iterator(disk.root()), {});
        // When its name alone could not be made durable, it is there, whole.
        REQUIRE(files == (fs::exists(image) ? 2 : 1));
        if (fs::exists(image)) REQUIRE(failure.kind == Kind::sync);
    });

    REQUIRE(vm(export_job, disk.healthy()).exit_code == 0);
    const auto calls_of_import = [&](Kind kind) {
        const auto calls = calls_of(disk, import_copy)(kind);
        REQUIRE(vm({"rm", "copy"}, disk.healthy()).exit_code == 0);
        return calls;
    };
    for_each_failure(calls_of_import, [&](const DiskFailure& failure) {
        const VmResult result = vm(import_copy, disk.failing(failure));
        INFO(result.err);
        if (result.exit_code != 0) disk.expect_clear_error(result, failure);
        REQUIRE(process_count(disk) == (result.exit_code == 0 ? 2 : 1));
        if (result.exit_code == 0) REQUIRE(vm({"rm", "copy"}, disk.healthy()).exit_code == 0);
    });
    disk.expect_kept(4);
}
