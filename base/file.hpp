#pragma once

#include <filesystem>
#include <utility>

#include "base/bytes.hpp"

namespace sojourn {

/// Owns a file descriptor and closes it.
class UniqueFd {
public:
    UniqueFd() = default;
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept;
    ~UniqueFd();

    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }

private:
    int fd_ = -1;
};

Result<ByteVector> read_file(const std::filesystem::path& path);
/// Makes the file, or replaces what it holds.
Result<void> write_file(const std::filesystem::path& path, Bytes bytes);

/// All of `bytes`, across short writes and signals.
Result<void> write_all(int fd, Bytes bytes);

}  // namespace sojourn
