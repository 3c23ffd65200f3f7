#pragma once

#include "tests/crash/disk_failure.hpp"
#include "tests/support/temporary_folder.hpp"

namespace sojourn::tests {

/// A store with a process `job` on a disk that fails when told to. What it expects, it REQUIREs.
class FailingDisk {
public:
    explicit FailingDisk(std::string program);

    void clear() const;
    /// The calls of a kind that the vms have made since.
    [[nodiscard]] int calls(DiskFailure::Kind kind) const;

    [[nodiscard]] VmOptions healthy(int standard_input = -1) const;
    [[nodiscard]] VmOptions failing(const DiskFailure& failure, int standard_input = -1) const;
    /// Runs `job`, which takes four checkpoints and waits for the end of its input after the third.
    [[nodiscard]] std::vector<std::string> run_arguments() const;
    [[nodiscard]] const std::string& expected_last_line() const { return last_line_; }

    /// An error of ours that says where and, if space is missing, what to do.
    void expect_clear_error(const VmResult& result, const DiskFailure& failure) const;
    /// What was acknowledged is there and goes on to the undisturbed end, now and after a power
    /// cut.
    void expect_kept(int acknowledged) const;

    [[nodiscard]] std::filesystem::path root() const { return folder_.path() / "disk"; }

private:
    [[nodiscard]] std::filesystem::path log() const { return folder_.path() / "log"; }
    [[nodiscard]] std::size_t listed() const;
    void expect_goes_on(const VmOptions& options) const;

    TemporaryFolder folder_;
    std::string program_;
    std::string last_line_;
};

}  // namespace sojourn::tests
