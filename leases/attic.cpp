#include "leases/internal/attic.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

namespace sojourn::leases {

namespace {

constexpr std::size_t kDigits = 16;
/// At once: the guest may be waiting.
constexpr std::size_t kRemovedMax = 1024;
/// Of a file that is being copied back to its place.
constexpr std::string_view kUnfinished = ".sojourn-unfinished";

std::string hex_of(Attic::Number number) {
    return fmt::format("{:016x}", plain(number));
}

std::optional<Attic::Number> number_in(std::string_view digits) {
    if (digits.size() != kDigits) return std::nullopt;
    std::uint64_t number = 0;
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, number, 16);
    if (error != std::errc{} || end != last || number == 0) return std::nullopt;
    return Attic::Number{number};
}

/// Where moving and linking end, and copying begins.
bool must_copy(int problem) {
    return problem == EXDEV || problem == EPERM || problem == EMLINK || problem == EOPNOTSUPP;
}

struct Spot {
    int directory;
    std::string name;
};

Result<void> copy_link(const Spot& from, const Spot& to) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length =
        ::readlinkat(from.directory, from.name.c_str(), target.data(), target.size() - 1);
    if (length < 0 || ::symlinkat(target.data(), to.directory, to.name.c_str()) != 0)
        return fail_errno(errno, "cannot copy the link {}", from.name);
    return {};
}

Result<void> copy_content(int from, int to, const std::string& name) {
    constexpr std::size_t kPiece = std::size_t{1} << 20U;
    for (;;) {
        const ssize_t copied = ::copy_file_range(from, nullptr, to, nullptr, kPiece, 0);
        if (copied == 0) return {};
        if (copied < 0 && errno == EINTR) continue;
        if (copied < 0) break;
    }
    // Not between these two file systems.
    std::vector<std::byte> buffer(kPiece);
    for (;;) {
        const ssize_t got = ::read(from, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_errno(errno, "cannot read {}", name);
        if (got == 0) return {};
        TRY(write_all(to, Bytes(buffer).first(static_cast<std::size_t>(got))));
    }
}

Result<void> copy_file(const Spot& from, const Spot& to) {
    const UniqueFd source(::openat(from.directory, from.name.c_str(),
                                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!source.valid() || ::fstat(source.get(), &status) != 0)
        return fail_errno(errno, "cannot read {}", from.name);
    const UniqueFd copy(::openat(to.directory, to.name.c_str(),
                                 O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                                 status.st_mode & 07777));
    if (!copy.valid()) return fail_errno(errno, "cannot copy {}", from.name);
    TRY(copy_content(source.get(), copy.get(), from.name));
    const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
    if (::futimens(copy.get(), times.data()) != 0)
        return fail_errno(errno, "cannot copy the times of {}", from.name);
    return {};
}

Result<void> copy(const Spot& from, const Spot& to) {
    struct stat status {};
    if (::fstatat(from.directory, from.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
        return fail_errno(errno, "cannot stat {}", from.name);
    if (S_ISLNK(status.st_mode)) return copy_link(from, to);
    if (S_ISREG(status.st_mode)) return copy_file(from, to);
    return fail(ErrorCode::unsupported,
                "{} is no file, and the store is on another file system: it can't be kept there",
                from.name);
}

}  // namespace

Result<Attic> Attic::open(const std::filesystem::path& directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        return fail_errno(errno, "cannot make {}", directory.native());
    UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid()) return fail_errno(errno, "cannot open {}", directory.native());
    struct stat status {};
    if (::fstat(opened.get(), &status) != 0)
        return fail_errno(errno, "cannot stat {}", directory.native());
    Attic attic(std::move(opened), status.st_dev);
    TRY(attic.list());
    return attic;
}

std::string Attic::path_of(Number number) {
    return hex_of(number);
}

std::optional<Attic::Number> Attic::number_of(std::string_view path) {
    return number_in(path);
}

Place Attic::place_of(Number number, OnResume on_resume) {
    return {.grant = {}, .path = path_of(number), .is_read_only = false, .on_resume = on_resume};
}

/// `<number>`, or `<number>.<released at>`.
Result<void> Attic::list() {
    struct CloseStream {
        void operator()(DIR* stream) const { ::closedir(stream); }
    };
    const std::unique_ptr<DIR, CloseStream> stream(
        ::fdopendir(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
    if (stream == nullptr) return fail_errno(errno, "cannot list the attic of a process");
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name == kLogName) names_[kLog] = {std::string(name), std::nullopt};
        const auto number = number_in(name.substr(0, kDigits));
        if (!number) continue;
        std::optional<Number> released_at;
        if (name.size() > kDigits) released_at = number_in(name.substr(kDigits + 1));
        names_[*number] = {std::string(name), released_at};
    }
    return {};
}

FileIdentity Attic::identity_of(const HostStatus& status) const {
    if (status.device == device_) return {status.device, status.inode};
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // Fibonacci hashing: Knuth, 6.4
    return {status.device, status.inode + status.generation * kSpread};
}

Result<FileIdentity> Attic::identity(Number number) const {
    const auto found = names_.find(number);
    EXPECTS(found != names_.end(), "what is asked for is there");
    const auto status = host_status_of(directory_.get(), found->second.name);
    if (!status) return fail_errno(errno, "cannot stat a file that had been removed");
    return identity_of(*status);
}

Result<UniqueFd> Attic::open_file(Number number, int flags) const {
    const auto found = names_.find(number);
    if (found == names_.end())
        return fail(ErrorCode::not_found, "a file that had been removed is not kept any more");
    UniqueFd file(
        ::openat(directory_.get(), found->second.name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open a file that had been removed");
    return file;
}

Result<UniqueFd> Attic::open_log() {
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd log(::openat(directory_.get(), kLogName.data(), kFlags, 0600));
    if (!log.valid()) return fail_errno(errno, "cannot open the log of a process");
    names_[kLog] = {std::string(kLogName), std::nullopt};
    return log;
}

Result<void> Attic::take(int parent, const std::string& name, Number number) {
    const std::string kept = hex_of(number);
    if (::renameat(parent, name.c_str(), directory_.get(), kept.c_str()) != 0) {
        if (!must_copy(errno)) return fail_errno(errno, "cannot keep {}", name);
        TRY(copy({parent, name}, {directory_.get(), kept}));
        if (::unlinkat(parent, name.c_str(), 0) != 0)
            return fail_errno(errno, "cannot remove {}", name);
    }
    names_[number] = {kept, std::nullopt};
    return {};
}

Result<void> Attic::link(int parent, const std::string& name, Number number) {
    const std::string kept = hex_of(number);
    if (::linkat(parent, name.c_str(), directory_.get(), kept.c_str(), 0) != 0) {
        if (!must_copy(errno)) return fail_errno(errno, "cannot keep {}", name);
        TRY(copy({parent, name}, {directory_.get(), kept}));
    }
    names_[number] = {kept, std::nullopt};
    return {};
}

Result<void> Attic::give(Number number, int parent, const std::string& name) {
    const auto found = names_.find(number);
    EXPECTS(found != names_.end(), "what is given back is there");
    const std::string kept = found->second.name;
    if (::renameat2(directory_.get(), kept.c_str(), parent, name.c_str(), RENAME_NOREPLACE) != 0) {
        if (!must_copy(errno)) return fail_errno(errno, "cannot bring back {}", name);
        const std::string unfinished = name + std::string(kUnfinished);
        TRY(copy({directory_.get(), kept}, {parent, unfinished}));
        if (::renameat2(parent, unfinished.c_str(), parent, name.c_str(), RENAME_NOREPLACE) != 0)
            return fail_errno(errno, "cannot bring back {}", name);
        ::unlinkat(directory_.get(), kept.c_str(), 0);
    }
    names_.erase(found);
    return {};
}

void Attic::rename_entry(Number number, std::optional<Number> released_at) {
    const auto found = names_.find(number);
    if (found == names_.end() || found->second.released_at == released_at || number == kLog) return;
    const std::string name =
        released_at ? hex_of(number) + "." + hex_of(*released_at) : hex_of(number);
    // One that keeps its name is merely kept for longer.
    if (::renameat(directory_.get(), found->second.name.c_str(), directory_.get(), name.c_str()) !=
        0)
        return;
    found->second = {name, released_at};
}

void Attic::release(Number number, Number at) {
    rename_entry(number, at);
}

void Attic::hold(Number number) {
    rename_entry(number, std::nullopt);
}

void Attic::drop_before(Number number) {
    std::size_t removed = 0;
    for (auto entry = names_.begin(); entry != names_.end() && entry->first < number;) {
        if (removed == kRemovedMax) return;
        const bool is_needed = !entry->second.released_at || *entry->second.released_at >= number;
        const std::string& name = entry->second.name;
        const bool is_gone =
            !is_needed && (::unlinkat(directory_.get(), name.c_str(), 0) == 0 ||
                           ::unlinkat(directory_.get(), name.c_str(), AT_REMOVEDIR) == 0);
        removed += is_gone ? 1 : 0;
        entry = is_gone ? names_.erase(entry) : std::next(entry);
    }
}

}  // namespace sojourn::leases
