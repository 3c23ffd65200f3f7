#include "tests/crash/failing_disk.hpp"

#include <algorithm>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace sojourn::tests {

namespace fs = std::filesystem;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

bool is_of(DiskFailure::Kind kind, const DiskEvent& event) {
    using Kind = DiskFailure::Kind;
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

}  // namespace

FailingDisk::FailingDisk(std::string program) : program_(std::move(program)) {
    clear();
    const VmResult undisturbed = vm(run_arguments(), healthy());
    REQUIRE(undisturbed.exit_code == 0);
    last_line_ = last_line(undisturbed.out);
    clear();
}

void FailingDisk::clear() const {
    fs::remove_all(root());
    fs::remove(log());
    fs::create_directory(root());
}

int FailingDisk::calls(DiskFailure::Kind kind) const {
    if (!fs::exists(log())) return 0;
    const auto events = read_disk_log(log());
    return static_cast<int>(std::count_if(events.begin(), events.end(),
                                          [&](const auto& event) { return is_of(kind, event); }));
}

VmOptions FailingDisk::healthy(int standard_input) const {
    return {watched(root(), log()), folder_.path(), standard_input};
}

VmOptions FailingDisk::failing(const DiskFailure& failure, int standard_input) const {
    return {watched(root(), log(), failure), folder_.path(), standard_input};
}

std::vector<std::string> FailingDisk::run_arguments() const {
    return {"run", "--name", "job", "--replace", program_, "4", "64"};
}

void FailingDisk::expect_clear_error(const VmResult& result, const DiskFailure& failure) const {
    REQUIRE(result.exit_code == 125);
    REQUIRE(contains(result.err, "vm: error: "));
    REQUIRE(contains(result.err, root().native()));
    if (failure.error == ENOSPC) REQUIRE(contains(result.err, "free space"));
}

std::size_t FailingDisk::listed() const {
    const VmResult log = vm({"log", "--json", "job"}, healthy());
    INFO(log.err);
    REQUIRE(log.exit_code == 0);
    return nlohmann::json::parse(log.out)["checkpoints"].size();
}

void FailingDisk::expect_goes_on(const VmOptions& options) const {
    const auto ps = nlohmann::json::parse(vm({"ps", "--json"}, options).out);
    const auto& job = ps["processes"][0];
    const bool has_exited = job["state"] == "exited";
    const VmResult resumed =
        vm({"resume", has_exited ? "job@" + job["head"].dump() : "job"}, options);
    INFO(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(last_line(resumed.out) == last_line_);
}

void FailingDisk::expect_kept(int acknowledged) const {
    CrashDisk disk({});
    for (const DiskEvent& event : read_disk_log(log()))
        disk.apply(event);
    REQUIRE(listed() >= static_cast<std::size_t>(acknowledged));
    expect_goes_on(healthy());

    const TemporaryFolder after;
    std::mt19937 random(7);
    disk.leave_in(after.path() / "image", random);
    expect_goes_on({{"SOJOURN_STORE=" + (after.path() / "image/store").native()}, after.path()});
}

}  // namespace sojourn::tests
