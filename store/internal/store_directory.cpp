#include "store/internal/store_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.hpp"

namespace sojourn::store {

namespace {

constexpr std::string_view kFormatLine = "sojourn store 1\n";
constexpr std::string_view kFormatWords = "sojourn store ";

/// File systems whose mappings are not coherent between hosts (statfs(2), linux/magic.h). FUSE is
/// not among them: most of what it carries is local, and it cannot be told what it carries.
struct NetworkFileSystem {
    std::uint32_t magic;
    const char* name;
};
constexpr std::array kNetworkFileSystems{
    NetworkFileSystem{0x6969, "NFS"},        NetworkFileSystem{0x517b, "SMB"},
    NetworkFileSystem{0xff534d42, "CIFS"},   NetworkFileSystem{0xfe534d42, "SMB"},
    NetworkFileSystem{0x01021997, "9p"},     NetworkFileSystem{0x00c36400, "Ceph"},
    NetworkFileSystem{0x5346414f, "AFS"},    NetworkFileSystem{0x6b414653, "AFS"},
    NetworkFileSystem{0x0bd00bd0, "Lustre"}, NetworkFileSystem{0x73757245, "Coda"},
};

constexpr const char* kOwnerRemedy =
    "a store belongs to one user and needs media that can be written: run as that user, or name "
    "another place with --store";

/// Whoever else has the right to write there would leave files that the owner cannot open.
Result<void> expect_owner(const StorePaths& paths) {
    struct stat status {};
    if (::stat(paths.format().c_str(), &status) != 0) {
        return directory_error(errno, "inspect", paths.format());
    }
    if (status.st_uid == ::geteuid() || is_on_read_only_media(paths.root)) return {};
    return fail(ErrorCode::permission_denied,
                "{} belongs to the user with uid {} and this is uid {}: run as that user, or name "
                "another place with --store",
                paths.root.native(), status.st_uid, ::geteuid());
}

Result<void> make_directory(const std::filesystem::path& path) {
    if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return directory_error(errno, "make the directory", path);
}

/// As `mkdir -p`: what is above the store is made with the rights of the user's umask.
Result<void> make_root(const std::filesystem::path& root) {
    std::error_code problem;
    if (root.has_parent_path()) std::filesystem::create_directories(root.parent_path(), problem);
    if (problem) return directory_error(problem.value(), "make the directory", root.parent_path());
    return make_directory(root);
}

Result<void> expect_local(const std::filesystem::path& root) {
    struct statfs status {};
    if (::statfs(root.c_str(), &status) != 0) return directory_error(errno, "inspect", root);
    const auto magic = static_cast<std::uint32_t>(status.f_type);
    const auto found = std::ranges::find(kNetworkFileSystems, magic, &NetworkFileSystem::magic);
    if (found == kNetworkFileSystems.end()) return {};
    return fail(
        ErrorCode::unsupported,
        "{} lies on a network file system ({}), which can damage a store: put it on a local "
        "disk and ship processes with export and import",
        root.native(), found->name);
}

/// A directory that a store can be made in: empty, or one whose making was broken off.
Result<bool> is_vacant(const StorePaths& paths) {
    std::error_code problem;
    std::filesystem::directory_iterator entries(paths.root, problem);
    if (problem) return directory_error(problem.value(), "read", paths.root);
    const std::array own{paths.catalogue(), paths.families(), paths.run(), paths.code(),
                         paths.root / "format.new"};
    return std::ranges::all_of(entries, [&](const auto& entry) {
        return std::ranges::find(own, entry.path()) != own.end();
    });
}

/// What lost the file that says so is still a store, and is not made anew over its processes.
Result<void> expect_no_families(const StorePaths& paths) {
    std::error_code problem;
    const std::filesystem::directory_iterator first(paths.families(), problem);
    if (problem || first == std::filesystem::directory_iterator()) return {};
    return fail(ErrorCode::corrupt,
                "the file {} is missing from a store with processes: put it back, it holds the "
                "line '{}'",
                paths.format().native(), kFormatLine.substr(0, kFormatLine.size() - 1));
}

Result<void> check_format(const StorePaths& paths, std::string_view line) {
    if (line == kFormatLine) return {};
    if (line.starts_with(kFormatWords)) {
        return fail(ErrorCode::unsupported_format,
                    "{} is a store of another format ({}), this build uses '{}': use the release "
                    "that made it to export its processes",
                    paths.root.native(), line.substr(0, line.find('\n')),
                    kFormatLine.substr(0, kFormatLine.size() - 1));
    }
    return fail(ErrorCode::corrupt,
                "{} does not say that {} is a store: name another directory, or restore the file "
                "if it was one",
                paths.format().native(), paths.root.native());
}

}  // namespace

Error directory_error(int problem, const char* attempt, const std::filesystem::path& path) {
    Error error = fail_errno(problem, "cannot {} {}", attempt, path.native());
    if (error.code == ErrorCode::permission_denied) {
        error.message += fmt::format("; {}", kOwnerRemedy);
    }
    return error;
}

UniqueFd open_directory(const std::filesystem::path& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

bool is_on_read_only_media(const std::filesystem::path& path) {
    struct statvfs status {};
    return ::statvfs(path.c_str(), &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

Result<StoreAge> check_store_directory(const StorePaths& paths, bool create) {
    struct stat status {};
    if (::stat(paths.root.c_str(), &status) != 0) {
        if (errno != ENOENT) return directory_error(errno, "open", paths.root);
        if (!create) {
            return fail(ErrorCode::not_found,
                        "there is no store at {}: vm store init, or whatever runs or is imported, "
                        "makes one; or name "
                        "another with --store",
                        paths.root.native());
        }
        TRY(make_root(paths.root));
    } else if (!S_ISDIR(status.st_mode)) {
        return fail(ErrorCode::unsupported_format, "{} is not a directory: a store is one",
                    paths.root.native());
    }
    TRY(expect_local(paths.root));

    const auto format = read_file(paths.format());
    if (format.ok()) {
        TRY(check_format(paths, as_text(*format)));
        TRY(expect_owner(paths));
        // A backup may leave it out, as nothing in it is kept. Who needs it says what is wrong.
        static_cast<void>(make_directory(paths.run()));
        return StoreAge::existing;
    }
    if (format.error().code != ErrorCode::not_found) {
        return fail(format.error().code, "{}; {}", format.error().message, kOwnerRemedy);
    }
    const bool vacant = TRY(is_vacant(paths));
    if (!vacant) {
        return fail(ErrorCode::unsupported_format,
                    "{} holds other files and is not a store: name an empty or a new directory",
                    paths.root.native());
    }
    TRY(expect_no_families(paths));
    if (!create) {
        return fail(ErrorCode::not_found, "{} is empty: vm store init makes a store there",
                    paths.root.native());
    }
    TRY(make_directory(paths.catalogue()));
    TRY(make_directory(paths.families()));
    TRY(make_directory(paths.run()));
    return StoreAge::fresh;
}

Result<void> write_store_format(const StorePaths& paths) {
    const auto unfinished = paths.root / "format.new";
    const UniqueFd file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.valid()) return directory_error(errno, "write", unfinished);
    if (const auto written = write_all(file.get(), as_bytes(kFormatLine)); !written.ok()) {
        return fail(written.error().code, "{}: {}", unfinished.native(), written.error().message);
    }
    if (::fsync(file.get()) != 0) return directory_error(errno, "write", unfinished);
    if (::rename(unfinished.c_str(), paths.format().c_str()) != 0) {
        return directory_error(errno, "write", paths.format());
    }
    return sync_directory(paths.root);
}

Result<void> sync_directory(const std::filesystem::path& directory) {
    const UniqueFd opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.valid() || ::fsync(opened.get()) != 0) {
        return directory_error(errno, "sync", directory);
    }
    return {};
}

}  // namespace sojourn::store
