#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/file.hpp"

namespace sojourn::tools {

/// Where an image is written: stdout, or a file that is there whole or not at all. Until it is, it
/// is called `FILE.part`. What an export that was killed has left there is gone on with, as far as
/// it holds what is written again.
class ImageOutput {
public:
    /// `-` is stdout. Errors: invalid_argument for a terminal; busy when another export writes
    /// there; those of the file.
    static Result<std::unique_ptr<ImageOutput>> open(const std::string& path);
    ImageOutput(const ImageOutput&) = delete;
    ImageOutput& operator=(const ImageOutput&) = delete;
    /// Removes what is not finished.
    ~ImageOutput();

    Result<void> write(Bytes bytes);
    /// Makes it durable and gives it its name.
    Result<void> finish();

    [[nodiscard]] bool is_stdout() const { return path_.empty(); }
    /// How much was there already.
    [[nodiscard]] std::uint64_t kept_bytes() const { return kept_bytes_; }

private:
    ImageOutput() = default;

    Result<void> append(Bytes bytes);
    /// How many of `bytes` the file holds already, at the end of what is known to be right. The
    /// first that is not there, or is another, ends the comparison for good.
    Result<std::size_t> compare(Bytes bytes);

    std::string path_;     ///< empty: stdout
    std::string partial_;  ///< its name until it is finished
    UniqueFd file_;
    std::uint64_t size_ = 0;        ///< of what is known to be right
    std::uint64_t kept_bytes_ = 0;  ///< of that, what was there already
    bool is_comparing_ = false;
};

/// Where an image is read from: stdin or a file.
class ImageInput {
public:
    /// `-` is stdin. Errors: invalid_argument for a terminal; those of the file.
    static Result<ImageInput> open(const std::string& path);

    /// Fills `out` from its start and returns how much; 0 is the end.
    Result<std::size_t> read(MutableBytes out) const;
    /// Of the whole; nullopt for what is no plain file.
    [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }
    /// For a message.
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    std::string name_;
    UniqueFd file_;
    std::optional<std::uint64_t> size_;
};

}  // namespace sojourn::tools
