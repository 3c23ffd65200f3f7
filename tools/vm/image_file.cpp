#include "tools/vm/image_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sojourn::tools {

namespace {

/// As much is handed to the disk at a time, so that the sync at the end has little left to do.
constexpr std::uint64_t kWriteBehindBytes = std::uint64_t{8} << 20U;

/// A file that only one export writes.
Result<UniqueFd> open_partial(const std::string& partial) {
    UniqueFd file(::open(partial.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (!file.valid()) return fail_errno(errno, "cannot write {}", partial);
    struct stat held {};
    struct stat named {};
    const bool is_ours = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
                         ::fstat(file.get(), &held) == 0 && ::stat(partial.c_str(), &named) == 0 &&
                         held.st_ino == named.st_ino;
    if (!is_ours) {
        return fail(ErrorCode::busy, "another export is writing {}; choose another FILE", partial);
    }
    return file;
}

}  // namespace

Result<std::unique_ptr<ImageOutput>> ImageOutput::open(const std::string& path) {
    auto output = std::unique_ptr<ImageOutput>(new ImageOutput());
    if (path == "-") {
        if (::isatty(STDOUT_FILENO) == 1) {
            return fail(ErrorCode::invalid_argument,
                        "an image is not for a terminal; give -o FILE or a pipe");
        }
        output->file_ = UniqueFd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
        if (!output->file_.valid()) return fail_errno(errno, "cannot write to stdout");
    } else {
        const std::string partial = path + ".part";
        output->file_ = TRY(open_partial(partial));
        output->path_ = path;
        output->partial_ = partial;
        output->is_comparing_ = true;
    }
    return output;
}

ImageOutput::~ImageOutput() {
    if (!partial_.empty()) ::unlink(partial_.c_str());
}

Result<std::size_t> ImageOutput::compare(Bytes bytes) {
    ByteVector there(bytes.size());
    std::size_t got = 0;
    while (got < there.size()) {
        const ssize_t count = ::pread(file_.get(), there.data() + got, there.size() - got,
                                      static_cast<off_t>(size_ + got));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "cannot read {}", partial_);
        if (count == 0) break;
        got += static_cast<std::size_t>(count);
    }
    const auto end = there.begin() + static_cast<std::ptrdiff_t>(got);
    const auto same = std::mismatch(there.begin(), end, bytes.begin()).first - there.begin();
    if (static_cast<std::size_t>(same) == bytes.size()) return bytes.size();
    is_comparing_ = false;
    const auto kept = static_cast<off_t>(size_ + static_cast<std::uint64_t>(same));
    if (::ftruncate(file_.get(), kept) != 0 || ::lseek(file_.get(), kept, SEEK_SET) != kept) {
        return fail_errno(errno, "cannot go on writing {}", partial_);
    }
    return static_cast<std::size_t>(same);
}

Result<void> ImageOutput::append(Bytes bytes) {
    if (is_comparing_) {
        const std::size_t same = TRY(compare(bytes));
        kept_bytes_ += same;
        size_ += same;
        bytes = bytes.subspan(same);
    }
    TRY(write_all(file_.get(), bytes));
    const std::uint64_t begin = size_ / kWriteBehindBytes * kWriteBehindBytes;
    size_ += bytes.size();
    const std::uint64_t end = size_ / kWriteBehindBytes * kWriteBehindBytes;
    // Where it is refused, as of a pipe, the sync does it all.
    if (end > begin && !is_stdout()) {
        ::sync_file_range(file_.get(), static_cast<off_t>(begin), static_cast<off_t>(end - begin),
                          SYNC_FILE_RANGE_WRITE);
    }
    return {};
}

Result<void> ImageOutput::write(Bytes bytes) {
    const auto written = append(bytes);
    if (written.ok()) return written;
    return fail(written.error().code, "{}: {}", is_stdout() ? "stdout" : path_,
                written.error().message);
}

Result<void> ImageOutput::finish() {
    if (is_stdout()) return {};
    // What an earlier export left behind the end of this one.
    if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0 || ::fsync(file_.get()) != 0) {
        return fail_errno(errno, "cannot write {}", path_);
    }
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

Result<ImageInput> ImageInput::open(const std::string& path) {
    ImageInput input;
    input.name_ = path == "-" ? "stdin" : path;
    input.file_ = UniqueFd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                       : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!input.file_.valid()) return fail_errno(errno, "cannot open {}", path);
    if (::isatty(input.file_.get()) == 1) {
        return fail(ErrorCode::invalid_argument, "an image does not come from a terminal");
    }
    struct stat about {};
    if (::fstat(input.file_.get(), &about) == 0 && S_ISREG(about.st_mode)) {
        input.size_ = static_cast<std::uint64_t>(about.st_size);
    }
    return input;
}

Result<std::size_t> ImageInput::read(MutableBytes out) const {
    for (;;) {
        const ssize_t got = ::read(file_.get(), out.data(), out.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot read {}", name_);
        return static_cast<std::size_t>(got);
    }
}

}  // namespace sojourn::tools
