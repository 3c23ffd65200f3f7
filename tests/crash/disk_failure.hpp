#pragma once

#include <cerrno>
#include <string>

#include "tests/crash/crash_disk.hpp"
#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

/// Which calls of a vm that change the disk fail: `count` of them from the `first`, counted from 1.
struct DiskFailure {
    enum class Kind { write, sync };  ///< what needs space; what makes durable
    Kind kind = Kind::write;
    int first = 1;
    int count = 1;
    int error = ENOSPC;

    static constexpr int kForever = 1'000'000;

    [[nodiscard]] std::string text() const {
        return std::string(kind == Kind::write ? "write" : "sync") + ":" + std::to_string(first) +
               ":" + std::to_string(count) + ":" + std::to_string(error);
    }
};

/// The environment of a vm that uses `root`/store through the disk library.
inline std::vector<std::string> watched(const std::filesystem::path& root,
                                        const std::filesystem::path& log) {
    return {"SOJOURN_STORE=" + (root / "store").native(), "LD_PRELOAD=" SOJOURN_DISK_LIBRARY,
            std::string(kDiskRoot) + "=" + root.native(),
            std::string(kDiskLog) + "=" + log.native()};
}

inline std::vector<std::string> watched(const std::filesystem::path& root,
                                        const std::filesystem::path& log,
                                        const DiskFailure& failure) {
    auto environment = watched(root, log);
    environment.push_back(std::string(kDiskFail) + "=" + failure.text());
    return environment;
}

}  // namespace sojourn::tests
