#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "process/process.hpp"

namespace sojourn::tools {

/// The log of a process that runs, or ran, detached, as it is shown on stdout while it grows. When
/// a resume takes it back to an earlier moment, it is shown on from there.
class LogView {
public:
    /// Errors: not_found.
    static Result<LogView> open(const std::filesystem::path& path);

    /// What is shown begins with the last `lines` lines of now; 0: with what comes.
    Result<void> skip_to_last(std::uint64_t lines);

    /// Shows what was not shown yet. Errors: those of reading and of stdout.
    Result<void> show();

    /// Readable when there may be something to show: for poll(2). Errors: io.
    Result<int> watch();

private:
    explicit LogView(std::filesystem::path path, UniqueFd file)
        : path_(std::move(path)), file_(std::move(file)) {}

    std::filesystem::path path_;
    UniqueFd file_;
    UniqueFd changes_;
    std::uint64_t shown_bytes_ = 0;
};

/// To stderr: what the last detached runner of a process said itself, how it ended for one.
void show_runner_words(const process::DetachedFiles& files);

}  // namespace sojourn::tools
