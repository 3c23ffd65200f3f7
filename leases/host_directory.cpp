#include "leases/host_directory.hpp"

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

HostDirectory::HostDirectory(State state, UniqueFd directory, FileHistory* history)
    : state_(std::move(state)),
      directory_(std::move(directory)),
      history_(state_.place.is_read_only ? nullptr : history) {}

Result<std::unique_ptr<HostDirectory>> HostDirectory::grant(Place place, std::string guest_name,
                                                            FileHistory* history) {
    EXPECTS(place.grant.starts_with('/'), "a grant is found again from any working directory");
    EXPECTS(place.path.empty(), "a grant is a directory itself");
    State state;
    state.place = std::move(place);
    state.guest_name = std::move(guest_name);
    UniqueFd directory = TRY(open_place(state.place, O_PATH | O_DIRECTORY));
    return std::unique_ptr<HostDirectory>(
        new HostDirectory(std::move(state), std::move(directory), history));
}

std::string HostDirectory::description() const {
    return fmt::format("directory {}{}", state_.place.description(),
                       state_.place.is_read_only ? " (read-only)" : "");
}

void HostDirectory::release() {
    directory_ = UniqueFd();
}

Result<void> HostDirectory::reacquire(const Host& host) {
    directory_ = TRY(open_place(state_.place, O_PATH | O_DIRECTORY));
    history_ = state_.place.is_read_only ? nullptr : host.files;
    return {};
}

Result<void> HostDirectory::probe(const Host&) const {
    TRY(open_place(state_.place, O_PATH | O_DIRECTORY));
    return {};
}

Answer<FileStatus> HostDirectory::status() const {
    struct stat status {};
    if (::fstat(directory_.get(), &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

Errno HostDirectory::set_times(const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    return errno_of_call(::utimensat(directory_.get(), ".", times.data(), 0));
}

Errno HostDirectory::sync() {
    const UniqueFd readable(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!readable.valid()) return errno_of_host(errno);
    return errno_of_call(::fsync(readable.get()));
}

Answer<std::unique_ptr<Descriptor>> HostDirectory::open(std::string_view path,
                                                        const OpenRequest& request) {
    OpenRequest wanted = request;
    if (state_.place.is_read_only) {
        if (wanted.write || wanted.truncate || wanted.exclusive) return Errno::rofs;
        wanted.create = false;
    }
    if (wanted.create && wanted.directory) return Errno::inval;
    // A name as long as this could not be found again.
    if (state_.place.below(path).path.size() >= PATH_MAX) return Errno::nametoolong;
    // Merely to open a device, or a pipe, can do something.
    auto there = status_of(path, request.follow);
    if (there.ok() && !can_open(there->type)) return Errno::notsup;
    auto opened = open_host_file(path, wanted, there.ok());
    if (!opened.ok()) {
        const bool would_create = request.create && opened.error() == Errno::noent;
        return would_create && state_.place.is_read_only ? Errno::rofs : opened.error();
    }
    struct stat status {};
    if (::fstat(opened->get(), &status) != 0) return errno_of_host(errno);
    if (S_ISDIR(status.st_mode)) {
        State state;
        state.place = state_.place.below(path);
        return std::unique_ptr<Descriptor>(
            new HostDirectory(std::move(state), std::move(*opened), history_));
    }
    if (!S_ISREG(status.st_mode)) return Errno::notsup;
    auto file = File::opened(state_.place.below(path), wanted, std::move(*opened), history_);
    if (history_ != nullptr && wanted.truncate && there.ok()) {
        if (const Errno error = (*file)->set_size(0); error != Errno::success) return error;
    }
    return file;
}

/// With a history, nothing is made or emptied that it has not heard of.
Answer<UniqueFd> HostDirectory::open_host_file(std::string_view path, const OpenRequest& request,
                                               bool is_there) {
    if (history_ != nullptr && request.create && !is_there && !path.ends_with('/'))
        return create_file(path, request);
    int flags = open_flags_of(request);
    if (history_ != nullptr) flags &= ~O_TRUNC;
    return open_beneath(directory_.get(), path,
                        {.flags = flags, .mode = request.create ? kNewFileMode : 0U});
}

Answer<UniqueFd> HostDirectory::create_file(std::string_view path, const OpenRequest& request) {
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    UniqueFd file;
    const int flags = open_flags_of(request) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const Errno error = create(name_at(path, *at), [&] {
        file = UniqueFd(::openat(at->parent.get(), at->name.c_str(), flags, kNewFileMode));
        return file.valid() ? 0 : -1;
    });
    if (error == Errno::success) return file;
    // A link that leads nowhere yet: what it names is made, with a place of its own.
    auto target = read_link(path);
    const bool follows = error == Errno::exist && request.follow && !request.exclusive;
    if (!follows || !target.ok()) return error;
    if (request.links_left == 0) return Errno::loop;
    OpenRequest rest = request;
    --rest.links_left;
    const auto slash = path.rfind('/');
    const auto parent = slash == std::string_view::npos ? "" : path.substr(0, slash + 1);
    const bool is_absolute = target->starts_with('/');
    return is_absolute ? Answer<UniqueFd>(Errno::perm)
                       : create_file(std::string(parent) + *target, rest);
}

NameInDirectory HostDirectory::name_at(std::string_view path, const ParentAndName& at) const {
    return {state_.place.below(path), at.parent.get(), at.name};
}

Errno HostDirectory::create(const NameInDirectory& name, const std::function<int()>& make) {
    return history_ != nullptr ? history_->create(name, make) : errno_of_call(make());
}

Errno HostDirectory::create_directory(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error() == Errno::inval ? Errno::exist : at.error();
    return create(name_at(path, *at),
                  [&] { return ::mkdirat(at->parent.get(), at->name.c_str(), kNewDirectoryMode); });
}

Errno HostDirectory::remove_directory(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    if (history_ != nullptr) return history_->remove_directory(name_at(path, *at));
    return errno_of_call(::unlinkat(at->parent.get(), at->name.c_str(), AT_REMOVEDIR));
}

Errno HostDirectory::unlink_file(std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    if (at->names_directory) {
        auto status = status_of(path, false);
        if (!status.ok()) return status.error();
        return status->type == FileType::directory ? Errno::isdir : Errno::notdir;
    }
    if (history_ != nullptr) return history_->remove_file(name_at(path, *at));
    return errno_of_call(::unlinkat(at->parent.get(), at->name.c_str(), 0));
}

Errno HostDirectory::rename(std::string_view path, Directory& other, std::string_view new_path) {
    if (other.kind() != kind()) return Errno::xdev;
    auto& to = static_cast<HostDirectory&>(other);
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
    FileHistory* history = history_ != nullptr ? history_ : to.history_;
    if (history != nullptr)
        return history->rename(name_at(path, *from), to.name_at(new_path, *target));
    return errno_of_call(::renameat(from->parent.get(), from->name.c_str(), target->parent.get(),
                                    target->name.c_str()));
}

Errno HostDirectory::link(std::string_view path, Directory& other, std::string_view new_path) {
    if (other.kind() != kind()) return Errno::xdev;
    auto& to = static_cast<HostDirectory&>(other);
    // Also below a read-only source: the new name would be a way to write the file.
    if (state_.place.is_read_only || to.state_.place.is_read_only) return Errno::rofs;
    auto from = open_parent_beneath(directory_.get(), path);
    if (!from.ok()) return from.error();
    auto target = open_parent_beneath(to.directory_.get(), new_path);
    if (!target.ok()) return target.error();
    if (from->names_directory) return Errno::notdir;
    if (target->names_directory) return Errno::noent;
    return to.create(to.name_at(new_path, *target), [&] {
        return ::linkat(from->parent.get(), from->name.c_str(), target->parent.get(),
                        target->name.c_str(), 0);
    });
}

Errno HostDirectory::symlink(std::string_view target, std::string_view path) {
    if (state_.place.is_read_only) return Errno::rofs;
    if (target.empty()) return Errno::noent;
    if (target.find('\0') != std::string_view::npos) return Errno::inval;
    // The guest could not follow it; a program of the host would, out of the grant.
    if (target.front() == '/') return Errno::perm;
    auto at = open_parent_beneath(directory_.get(), path);
    if (!at.ok()) return at.error();
    if (at->names_directory) return Errno::noent;
    return create(name_at(path, *at), [&] {
        return ::symlinkat(std::string(target).c_str(), at->parent.get(), at->name.c_str());
    });
}

Answer<std::string> HostDirectory::read_link(std::string_view path) {
    auto link = open_beneath(directory_.get(), path, {.flags = O_PATH | O_NOFOLLOW});
    if (!link.ok()) return link.error();
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlinkat(link->get(), "", target.data(), target.size());
    // An empty name on something else than a link answers ENOENT.
    if (length < 0) return errno == ENOENT ? Errno::inval : errno_of_host(errno);
    return std::string(target.data(), static_cast<std::size_t>(length));
}

Answer<FileStatus> HostDirectory::status_of(std::string_view path, bool follow) {
    auto there =
        open_beneath(directory_.get(), path, {.flags = O_PATH | (follow ? 0 : O_NOFOLLOW)});
    if (!there.ok()) return there.error();
    struct stat status {};
    if (::fstat(there->get(), &status) != 0) return errno_of_host(errno);
    return file_status_of(status);
}

Errno HostDirectory::set_times_of(std::string_view path, bool follow, const Times& times) {
    if (state_.place.is_read_only) return Errno::rofs;
    auto there =
        open_beneath(directory_.get(), path, {.flags = O_PATH | (follow ? 0 : O_NOFOLLOW)});
    if (!there.ok()) return there.error();
    const auto set = [&] {
        return errno_of_call(::utimensat(there->get(), "", times.data(), AT_EMPTY_PATH));
    };
    return history_ != nullptr ? history_->change_times(state_.place.below(path), there->get(), set)
                               : set();
}

}  // namespace sojourn::leases
