#pragma once

#include <filesystem>
#include <memory>

#include "base/result.hpp"

namespace sojourn::process {

/// A fresh directory below TMPDIR, removed with all that is in it at the end.
class TemporaryDirectory {
public:
    static Result<std::unique_ptr<TemporaryDirectory>> create();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { remove(); }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// Before the end of its life; thread-safe, for a signal's sake.
    void remove() const;

private:
    explicit TemporaryDirectory(std::filesystem::path path) : path_(std::move(path)) {}

    std::filesystem::path path_;
};

}  // namespace sojourn::process
