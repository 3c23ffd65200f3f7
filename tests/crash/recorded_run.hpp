#pragma once

#include <set>

#include "tests/crash/crash_disk.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

/// What the vm has acknowledged up to a moment of a recorded run, and so must be there after it.
class Promise {
public:
    void hear(const std::string& said);

    [[nodiscard]] bool is_empty() const { return checkpoint_count_ == 0; }
    /// Checkpoints of `job` that must be listed when it stands at `head`.
    [[nodiscard]] std::set<std::uint64_t> checkpoints(std::uint64_t head) const;
    [[nodiscard]] std::uint64_t newest() const { return checkpoint_count_; }
    [[nodiscard]] bool has(const std::string& thing) const { return things_.contains(thing); }

private:
    std::uint64_t checkpoint_count_ = 0;  ///< they are numbered from 1 and acknowledged in order
    std::set<std::string> things_;        ///< what the test said of the rest
};

/// One life of a process `job` with every verb in it, and the log of what it did to the disk.
class RecordedRun {
public:
    RecordedRun(const std::string& program, const TemporaryFolder& folder);

    [[nodiscard]] const std::vector<DiskEvent>& events() const { return events_; }
    [[nodiscard]] const std::string& expected_last_line() const { return last_line_; }
    [[nodiscard]] std::string exported() const;

private:
    void live(const std::string& program);
    void perform(const std::vector<std::string>& arguments, const std::string& said_after);
    [[nodiscard]] VmOptions options(int standard_input = -1) const;

    std::filesystem::path folder_;
    std::vector<DiskEvent> events_;
    std::string last_line_;
};

/// What `image`, which holds a store and an exported file, lacks of what was promised: a sentence,
/// or nothing. Opens it as a user would and lets the process go on to its end.
std::string loss_in(const std::filesystem::path& image, const Promise& promise,
                    const RecordedRun& run, const std::string& program);

}  // namespace sojourn::tests
