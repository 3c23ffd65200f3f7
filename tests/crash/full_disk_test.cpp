#include <algorithm>
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/crash/disk_failure.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

using Kind = DiskFailure::Kind;

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

int count_of(const std::string& text, const std::string& part) {
    int count = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
        ++count;
    return count;
}

bool is_of(Kind kind, const DiskEvent& event) {
    switch (event.record.call) {
        case DiskCall::make_file:
        case DiskCall::make_directory:
        case DiskCall::rename:
        case DiskCall::resize:
            return kind == Kind::write;
        case DiskCall::write:
            return kind == Kind::write || event.record.is_durable != 0;
        case DiskCall::sync_file:
        case DiskCall::sync_directory:
            return kind == Kind::sync;
        case DiskCall::remove:
        case DiskCall::say:
            break;
    }
    return false;
}

/// A store on a disk that fails when told to.
class FailingDisk {
public:
    explicit FailingDisk(std::string program) : program_(std::move(program)) {
        const VmResult undisturbed = vm(run_arguments(), healthy());
        REQUIRE(undisturbed.exit_code == 0);
        last_line_ = last_line(undisturbed.out);
        clear();
    }

    void clear() const {
        fs::remove_all(root());
        fs::remove(log());
        fs::create_directory(root());
    }
    /// The calls of a kind that the vms have made so far.
    [[nodiscard]] int calls(Kind kind) const {
        const auto events = read_disk_log(log());
        return static_cast<int>(std::count_if(
            events.begin(), events.end(), [&](const auto& event) { return is_of(kind, event); }));
    }

    [[nodiscard]] VmOptions healthy() const { return {watched(root(), log()), folder_.path()}; }
    [[nodiscard]] VmOptions failing(const DiskFailure& failure) const {
        return {watched(root(), log(), failure), folder_.path()};
    }
    [[nodiscard]] std::vector<std::string> run_arguments() const {
        return {"run", "--name", "job", "--replace", program_, "4", "64"};
    }

    /// An error of ours that says where and, if space is missing, what to do.
    void expect_clear_error(const VmResult& result, const DiskFailure& failure) const {
        REQUIRE(result.exit_code == 125);
        REQUIRE(contains(result.err, "vm: error: "));
        REQUIRE(contains(result.err, root().native()));
        if (failure.error == ENOSPC) REQUIRE(contains(result.err, "free space"));
    }

    [[nodiscard]] std::size_t listed() const {
        const VmResult log = vm({"log", "--json", "job"}, healthy());
        INFO(log.err);
        REQUIRE(log.exit_code == 0);
        return nlohmann::json::parse(log.out)["checkpoints"].size();
    }

    /// The process goes on to the end of the undisturbed run, in `store` unless it ended there.
    void expect_goes_on(const VmOptions& options) const {
        const auto ps = nlohmann::json::parse(vm({"ps", "--json"}, options).out);
        const auto& job = ps["processes"][0];
        const bool has_exited = job["state"] == "exited";
        const VmResult resumed =
            vm({"resume", has_exited ? "job@" + job["head"].dump() : "job"}, options);
        INFO(resumed.err);
        REQUIRE(resumed.exit_code == 0);
        REQUIRE(last_line(resumed.out) == last_line_);
    }

    /// What was acknowledged is there, now and after a power cut that loses all that may be lost.
    void expect_kept(int acknowledged) const {
        CrashDisk disk({});
        for (const DiskEvent& event : read_disk_log(log()))
            disk.apply(event);
        REQUIRE(listed() >= static_cast<std::size_t>(acknowledged));
        expect_goes_on(healthy());

        const TemporaryFolder after;
        std::mt19937 random(7);
        disk.leave_in(after.path() / "image", random);
        expect_goes_on(
            {{"SOJOURN_STORE=" + (after.path() / "image/store").native()}, after.path()});
    }

    [[nodiscard]] fs::path root() const { return folder_.path() / "disk"; }
    [[nodiscard]] fs::path log() const { return folder_.path() / "log"; }
    [[nodiscard]] const std::string& expected_last_line() const { return last_line_; }

private:
    TemporaryFolder folder_;
    std::string program_;
    std::string last_line_;
};

const std::vector<DiskFailure> kFailures = {
    {Kind::write, 1, DiskFailure::kForever, ENOSPC},
    {Kind::write, 1, 1, ENOSPC},
    {Kind::write, 1, 1, EIO},
    {Kind::sync, 1, DiskFailure::kForever, EIO},
    {Kind::sync, 1, 1, EIO},
};

}  // namespace

TEST_CASE("a run whose disk fails at any call keeps what it acknowledged", "[crash][disk]") {
    const auto program = guest("steps");
    if (!program) return;
    const FailingDisk disk(*program);
    for (DiskFailure failure : kFailures) {
        disk.clear();
        REQUIRE(vm(disk.run_arguments(), disk.healthy()).exit_code == 0);
        const int calls = disk.calls(failure.kind);
        for (failure.first = 1; failure.first <= calls; ++failure.first) {
            disk.clear();
            INFO("failing " << failure.text());

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
            if (acknowledged > 0) {
                disk.expect_kept(acknowledged);
            } else {
                REQUIRE(vm(disk.run_arguments(), disk.healthy()).exit_code == 0);
            }
        }
    }
}
