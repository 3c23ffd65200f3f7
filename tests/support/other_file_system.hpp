#pragma once

#include <filesystem>
#include <stdlib.h>
#include <string>

#include <catch2/catch.hpp>

namespace sojourn::tests {

/// A fresh folder in memory, which is not where temporary folders are.
class OtherFileSystem {
public:
    OtherFileSystem() {
        std::string pattern = "/dev/shm/sojourn-test-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    OtherFileSystem(const OtherFileSystem&) = delete;
    OtherFileSystem& operator=(const OtherFileSystem&) = delete;
    ~OtherFileSystem() { std::filesystem::remove_all(path_); }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace sojourn::tests
