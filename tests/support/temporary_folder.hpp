#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace sojourn::tests {

/// A fresh folder below TMPDIR that goes with everything in it at the end of its life.
class TemporaryFolder {
public:
    TemporaryFolder() {
        const char* parent = std::getenv("TMPDIR");
        std::string pattern =
            std::string(parent != nullptr ? parent : "/tmp") + "/sojourn-test-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string name() const { return path_.string(); }

    void write(const std::string& file, const std::string& text) const {
        std::ofstream(path_ / file) << text;
    }
    [[nodiscard]] std::string read(const std::string& file) const {
        std::ostringstream text;
        text << std::ifstream(path_ / file).rdbuf();
        return text.str();
    }

private:
    std::filesystem::path path_;
};

}  // namespace sojourn::tests
