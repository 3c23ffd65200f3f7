#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

/// What the disk does without us: a plain file and fdatasync.
namespace sojourn::bench {

/// A file that is written and synced. The bytes are noise, made before the clock runs.
class PlainFile {
public:
    explicit PlainFile(std::filesystem::path path);
    PlainFile(const PlainFile&) = delete;
    PlainFile& operator=(const PlainFile&) = delete;
    ~PlainFile();

    /// Milliseconds until so many more bytes are durable.
    double append_noise_ms(std::size_t bytes);
    /// Milliseconds until a new file of so many bytes, in place of the old one, is durable.
    double overwrite_ms(std::size_t bytes);

private:
    double write_durably_ms(std::size_t bytes);

    std::filesystem::path path_;
    int file_ = -1;
    std::vector<unsigned char> noise_;
};

}  // namespace sojourn::bench
