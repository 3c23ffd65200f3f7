#pragma once

#include <memory>
#include <string>

#include "base/file.hpp"

namespace sojourn::tools {

/// Where an image is written: stdout, or a file that is there whole or not at all.
class ImageOutput {
public:
    /// `-` is stdout. Errors: invalid_argument for a terminal; those of the file.
    static Result<std::unique_ptr<ImageOutput>> open(const std::string& path);
    ImageOutput(const ImageOutput&) = delete;
    ImageOutput& operator=(const ImageOutput&) = delete;
    /// Removes what is not finished.
    ~ImageOutput();

    Result<void> write(Bytes bytes);
    /// Makes it durable and gives it its name.
    Result<void> finish();

    [[nodiscard]] bool is_stdout() const { return path_.empty(); }

private:
    ImageOutput() = default;

    std::string path_;     ///< empty: stdout
    std::string partial_;  ///< its name until it is finished
    UniqueFd file_;
};

}  // namespace sojourn::tools
