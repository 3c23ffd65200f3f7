#include "tools/vm/log_view.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sojourn::tools {

namespace {

constexpr std::size_t kPieceBytes = 65'536;
using Piece = std::array<char, kPieceBytes>;

Result<std::uint64_t> size_of(int file) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return fail_errno(errno, "cannot stat a log");
    return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> read_at(int file, Piece& piece, std::uint64_t offset, std::size_t bytes_max) {
    for (;;) {
        const ssize_t got = ::pread(file, piece.data(), std::min(bytes_max, piece.size()),
                                    static_cast<off_t>(offset));
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) return fail_errno(errno, "cannot read a log");
    }
}

}  // namespace

Result<LogView> LogView::open(const std::filesystem::path& path) {
    UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open {}", path.native());
    return LogView(path, std::move(file));
}

Result<void> LogView::skip_to_last(std::uint64_t lines) {
    shown_bytes_ = TRY(size_of(file_.get()));
    if (lines == 0) return {};
    Piece piece;
    // The end of the last line begins no further one.
    std::uint64_t begin = shown_bytes_ - std::min<std::uint64_t>(shown_bytes_, 1);
    while (begin > 0) {
        const std::size_t length = std::min<std::uint64_t>(begin, piece.size());
        const std::uint64_t base = begin - length;
        const std::size_t got = TRY(read_at(file_.get(), piece, base, length));
        for (begin = base + std::min(got, length); begin > base; --begin) {
            if (piece[begin - base - 1] != '\n' || --lines > 0) continue;
            shown_bytes_ = begin;
            return {};
        }
    }
    shown_bytes_ = 0;
    return {};
}

Result<void> LogView::show() {
    if (changes_.valid()) {
        std::array<char, 4096> events;
        while (::read(changes_.get(), events.data(), events.size()) > 0) {
        }
    }
    shown_bytes_ = std::min(shown_bytes_, TRY(size_of(file_.get())));
    Piece piece;
    for (;;) {
        const std::size_t got = TRY(read_at(file_.get(), piece, shown_bytes_, piece.size()));
        if (got == 0) return {};
        TRY(write_all(STDOUT_FILENO, as_bytes({piece.data(), got})));
        shown_bytes_ += got;
    }
}

Result<int> LogView::watch() {
    changes_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!changes_.valid() || ::inotify_add_watch(changes_.get(), path_.c_str(), IN_MODIFY) < 0)
        return fail_errno(errno, "cannot watch {}", path_.native());
    return changes_.get();
}

void show_runner_words(const process::DetachedFiles& files) {
    const auto words = read_file(files.runner);
    if (words.ok()) static_cast<void>(write_all(STDERR_FILENO, *words));
}

}  // namespace sojourn::tools
