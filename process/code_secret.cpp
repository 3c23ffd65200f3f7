#include "process/code_secret.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.hpp"
#include "base/hmac_sha256.hpp"

namespace sojourn::process {

namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr const char* kMachine = "/etc/machine-id";

Result<void> expect_private(int file, const std::filesystem::path& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0) return fail_errno(errno, "cannot inspect {}", path.native());
    const bool is_own = status.st_uid == ::geteuid() && S_ISREG(status.st_mode);
    if (is_own && (status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
    return fail(ErrorCode::permission_denied,
                "{} is not this user's alone: remove it, and a new one is made", path.native());
}

Result<ByteVector> read_secret(const std::filesystem::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid()) return fail_errno(errno, "cannot open {}", path.native());
    TRY(expect_private(file.get(), path));
    ByteVector bytes(kSecretBytes + 1);
    const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
    if (got < 0) return fail_errno(errno, "cannot read {}", path.native());
    bytes.resize(static_cast<std::size_t>(got));
    if (bytes.size() == kSecretBytes) return bytes;
    return fail(ErrorCode::corrupt, "{} has not the length of a secret: remove it", path.native());
}

/// Whole or not at all, and never in the place of another one.
Result<void> make_secret(const std::filesystem::path& path, Random& random) {
    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    if (problem) {
        return fail_errno(problem.value(), "cannot make {}", path.parent_path().native());
    }
    const std::string unfinished = fmt::format("{}.{}", path.native(), ::getpid());
    const UniqueFd file(
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (!file.valid()) return fail_errno(errno, "cannot make {}", unfinished);
    ByteVector bytes(kSecretBytes);
    random.fill(bytes);
    auto written = write_all(file.get(), bytes);
    if (written.ok() && ::fsync(file.get()) != 0) {
        written = fail_errno(errno, "cannot write {}", unfinished);
    }
    if (written.ok() && ::link(unfinished.c_str(), path.c_str()) != 0 && errno != EEXIST) {
        written = fail_errno(errno, "cannot make {}", path.native());
    }
    ::unlink(unfinished.c_str());
    return written;
}

}  // namespace

Result<ByteVector> code_secret(const std::filesystem::path& path, Random& random) {
    auto secret = read_secret(path);
    if (!secret.ok() && secret.error().code == ErrorCode::not_found) {
        TRY(make_secret(path, random));
        secret = read_secret(path);
    }
    if (!secret.ok()) return secret;
    // A home may be shared by several hosts.
    const auto machine = read_file(kMachine);
    const Sha256 here = hmac_sha256(*secret, {machine.ok() ? Bytes(*machine) : Bytes()});
    return ByteVector(here.bytes.begin(), here.bytes.end());
}

}  // namespace sojourn::process
