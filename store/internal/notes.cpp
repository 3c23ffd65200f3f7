#include "store/internal/notes.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "store/internal/keys.hpp"
#include "store/internal/store_directory.hpp"

namespace sojourn::store {

namespace {

/// More numbers than this cannot have been given out since the last commit: the file is damaged.
constexpr std::uint64_t kVersionsAheadMax = std::uint64_t{1} << 32;

off_t offset_of(Version version) {
    return static_cast<off_t>(plain(version) * 8);
}

}  // namespace

Result<Notes> Notes::open(const std::filesystem::path& file) {
    UniqueFd opened(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    // What cannot be written gives out no numbers; without the file nothing is noted.
    if (!opened.valid() && is_on_read_only_media(file.parent_path())) {
        return Notes(file, UniqueFd(::open(file.c_str(), O_RDONLY | O_CLOEXEC)));
    }
    if (!opened.valid()) return fail_errno(errno, "cannot open {}", file.native());
    return Notes(file, std::move(opened));
}

Result<Version> Notes::next_version(Version floor) {
    // The mutex keeps this host process's threads apart, the file lock host processes.
    const std::lock_guard lock(*mutex_);
    while (::flock(file_.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return fail_errno(errno, "cannot lock {}", path_.native());
    }
    std::uint64_t last = at(kNoVersion);
    if (last < plain(floor) || last - plain(floor) > kVersionsAheadMax) last = plain(floor);
    ++last;
    const ssize_t written = ::pwrite(file_.get(), &last, sizeof last, offset_of(kNoVersion));
    const int problem = errno;
    ::flock(file_.get(), LOCK_UN);
    if (written != sizeof last) {
        return fail_errno(problem, "cannot number a checkpoint in {}", path_.native());
    }
    return Version{last};
}

Result<void> Notes::set_durable_us(Version version, std::uint64_t durable_us) {
    if (::pwrite(file_.get(), &durable_us, sizeof durable_us, offset_of(version)) !=
        sizeof durable_us) {
        return fail_errno(errno, "cannot note in {} how long checkpoint {} took", path_.native(),
                          plain(version));
    }
    return {};
}

std::uint64_t Notes::durable_us(Version version) const {
    return at(version);
}

std::uint64_t Notes::at(Version version) const {
    std::uint64_t value = 0;
    return ::pread(file_.get(), &value, sizeof value, offset_of(version)) == sizeof value ? value
                                                                                          : 0;
}

}  // namespace sojourn::store
