#include "leases/directory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <climits>

#include "leases/file.hpp"
#include "leases/internal/beneath.hpp"

namespace sojourn::leases {

namespace {

constexpr mode_t kNewFileMode = 0666;       // less the runner's umask
constexpr mode_t kNewDirectoryMode = 0777;  // the same

Errno errno_of_call(int result) {
    return result == 0 ? Errno::success : errno_of_host(errno);
}

int open_flags_of(const OpenRequest& request) {
    // O_NONBLOCK: opening a pipe without a peer must not hang.
    int flags = O_NONBLOCK | O_NOCTTY;
    if (!request.follow) flags |= O_NOFOLLOW;
    if (request.directory) return flags | O_RDONLY | O_DIRECTORY;
    const bool writes = request.write || request.truncate;
    flags |= writes ? (request.read ? O_RDWR : O_WRONLY) : O_RDONLY;
    if (request.create) flags |= O_CREAT;
    if (request.exclusive) flags |= O_EXCL;
    if (request.truncate) flags |= O_TRUNC;
    return flags | File::host_flags_of(request.flags);
}

bool can_open(FileType type) {
    // A link that is not followed has an errno of its own.
    return type == FileType::regular_file || type == FileType::directory ||
           type == FileType::symbolic_link;
}

}  // namespace

Directory::Directory(State state, UniqueFd directory)
    : state_(std::move(state)), directory_(std::move(directory)) {}

Result<std::unique_ptr<Directory>> Directory::grant(std::string host_path, std::string guest_name,
                                                    bool is_read_only) {
    EXPECTS(host_path.starts_with('/'), "a grant is found again from any working directory");
    State state;
    state.place = {.grant = std::move(host_path), .path = {}, .is_read_only = is_read_only};
    state.guest_name = std::move(guest_name);
    UniqueFd directory = TRY(open_place(state.place, O_PATH | O_DIRECTORY));
    return std::unique_ptr<Directory>(new Directory(std::move(state), std::move(directory)));
}

std::string Directory::description() const {
    return fmt::format("directory {}{}", state_.place.description(),
                       state_.place.is_read_only ? " (read-only)" : "");
}

void Directory::release() {
    directory_ = UniqueFd();
}

Result<void> Directory::reacquire(const Host&) {
    directory_ = TRY(open_place(state_.place, O_PATH | O_DIRECTORY));
    return {};
}

Result<void> Directory::probe(const Host&) const {
    TRY(open_place(state_.place, O_PATH | O_DIRECTORY));
    return {};
}

Answer<FileStatus> Directory::status() const {
    struct stat status {};
    if (::fstat(directory_.get(), &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

Errno Directory::set_times(const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    return errno_of_call(::utimensat(directory_.get(), ".", times.data(), 0));
}

Errno Directory::sync() {
    const UniqueFd readable(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable.valid()) return errno_of_host(errno);
    return errno_of_call(::fsync(readable.get()));
}

Answer<std::unique_ptr<Descriptor>> Directory::open(std::string_view path,
                                                    const OpenRequest& request) {
    OpenRequest wanted = request;
    if (state_.place.is_read_only) {
        if (wanted.write || wanted.truncate || wanted.exclusive) return Errno::rofs;
        wanted.create = false;
    }
    if (wanted.create && wanted.directory) return Errno::inval;
    // A name as long as this could not be found again.
    if (place_of(path).path.size() >= PATH_MAX) return Errno::nametoolong;
    // Merely to open a device, or a pipe, can do something.
    auto there = status_of(path, request.follow);
    if (there.ok() && !can_open(there->type)) return Errno::notsup;
    auto opened =
        open_beneath(directory_.get(), path,
                     {.flags = open_flags_of(wanted), .mode = wanted.create ? kNewFileMode : 0U});
    if (!opened.ok()) {
        const bool would_create = request.create && opened.error() == Errno::noent;
        return would_create && state_.place.is_read_only ? Errno::rofs : opened.error();
    }
    struct stat status {};
    if (::fstat(opened->get(), &status) != 0) return errno_of_host(errno);
    if (S_ISDIR(status.st_mode)) {
        State state;
        state.place = place_of(path);
        return std::unique_ptr<Descriptor>(new Directory(std::move(state), std::move(*opened)));
    }
    if (!S_ISREG(status.st_mode)) return Errno::notsup;
    return File::opened(place_of(path), wanted, std::move(*opened));
}

Errno Directory::create_directory(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error() == Errno::inval ? Errno::exist : at.error();
    return errno_of_call(::mkdirat(at->parent.get(), at->name.c_str(), kNewDirectoryMode));
}

Errno Directory::remove_directory(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    return errno_of_call(::unlinkat(at->parent.get(), at->name.c_str(), AT_REMOVEDIR));
}

Errno Directory::unlink_file(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    if (at->names_directory) {
        auto status = status_of(path, false);
        if (!status.ok()) return status.error();
        return status->type == FileType::directory ? Errno::isdir : Errno::notdir;
    }
    return errno_of_call(::unlinkat(at->parent.get(), at->name.c_str(), 0));
}

Errno Directory::rename(std::string_view path, Directory& to, std::string_view new_path) {
    if (state_.place.is_read_only || to.state_.place.is_read_only) return Errno::rofs;
    auto from = open_parent_beneath(directory_.get(), path);
    if (!from.ok()) return from.error();
    auto target = open_parent_beneath(to.directory_.get(), new_path);
    if (!target.ok()) return target.error();
    if (from->names_directory || target->names_directory) {
        struct stat status {};
        if (::fstatat(from->parent.get(), from->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            return errno_of_host(errno);
        if (!S_ISDIR(status.st_mode)) return Errno::notdir;
    }
    return errno_of_call(::renameat(from->parent.get(), from->name.c_str(), target->parent.get(),
                                    target->name.c_str()));
}

Errno Directory::link(std::string_view path, Directory& to, std::string_view new_path) {
    // Also below a read-only source: the new name would be a way to write the file.
    if (state_.place.is_read_only || to.state_.place.is_read_only) return Errno::rofs;
    auto from = open_parent_beneath(directory_.get(), path);
    if (!from.ok()) return from.error();
    auto target = open_parent_beneath(to.directory_.get(), new_path);
    if (!target.ok()) return target.error();
    if (from->names_directory) return Errno::notdir;
    if (target->names_directory) return Errno::noent;
    return errno_of_call(::linkat(from->parent.get(), from->name.c_str(), target->parent.get(),
                                  target->name.c_str(), 0));
}

Errno Directory::symlink(std::string_view target, std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    if (target.empty()) return Errno::noent;
    if (target.find('\0') != std::string_view::npos) return Errno::inval;
    // The guest could not follow it; a program of the host would, out of the grant.
    if (target.front() == '/') return Errno::perm;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    if (at->names_directory) return Errno::noent;
    return errno_of_call(
        ::symlinkat(std::string(target).c_str(), at->parent.get(), at->name.c_str()));
}

Answer<std::string> Directory::read_link(std::string_view path) {
    auto link = open_beneath(directory_.get(), path, {.flags = O_PATH | O_NOFOLLOW});
    if (!link.ok()) return link.error();
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlinkat(link->get(), "", target.data(), target.size());
    // An empty name on something else than a link answers ENOENT.
    if (length < 0) return errno == ENOENT ? Errno::inval : errno_of_host(errno);
    return std::string(target.data(), static_cast<std::size_t>(length));
}

Answer<FileStatus> Directory::status_of(std::string_view path, bool follow) {
    auto there =
        open_beneath(directory_.get(), path, {.flags = O_PATH | (follow ? 0 : O_NOFOLLOW)});
    if (!there.ok()) return there.error();
    struct stat status {};
    if (::fstat(there->get(), &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

Errno Directory::set_times_of(std::string_view path, bool follow, const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto there =
        open_beneath(directory_.get(), path, {.flags = O_PATH | (follow ? 0 : O_NOFOLLOW)});
    if (!there.ok()) return there.error();
    return errno_of_call(::utimensat(there->get(), "", times.data(), AT_EMPTY_PATH));
}

}  // namespace sojourn::leases
