#include "tools/vm/image_file.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace sojourn::tools {

Result<std::unique_ptr<ImageOutput>> ImageOutput::open(const std::string& path) {
    auto output = std::unique_ptr<ImageOutput>(new ImageOutput());
    if (path == "-") {
        if (::isatty(STDOUT_FILENO) == 1) {
            return fail(ErrorCode::invalid_argument,
                        "an image is not for a terminal; give -o FILE or a pipe");
        }
        output->file_ = UniqueFd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    } else {
        output->path_ = path;
        output->partial_ = fmt::format("{}.partial-{}", path, ::getpid());
        output->file_ = UniqueFd(
            ::open(output->partial_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    }
    if (!output->file_.valid()) return fail_errno(errno, "cannot write {}", path);
    return output;
}

ImageOutput::~ImageOutput() {
    if (!partial_.empty() && file_.valid()) ::unlink(partial_.c_str());
}

Result<void> ImageOutput::write(Bytes bytes) {
    const auto written = write_all(file_.get(), bytes);
    if (written.ok()) return written;
    return fail(written.error().code, "{}: {}", is_stdout() ? "stdout" : path_,
                written.error().message);
}

Result<void> ImageOutput::finish() {
    if (is_stdout()) return {};
    if (::fsync(file_.get()) != 0) return fail_errno(errno, "cannot write {}", path_);
    if (::rename(partial_.c_str(), path_.c_str()) != 0) {
        return fail_errno(errno, "cannot name {}", path_);
    }
    partial_.clear();
    // The name is durable when the folder is.
    const auto folder = std::filesystem::absolute(path_).parent_path();
    const UniqueFd opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid() || ::fsync(opened.get()) != 0) {
        return fail_errno(errno, "cannot sync {}", folder.native());
    }
    return {};
}

}  // namespace sojourn::tools
