#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "tools/vm/volume_copy.hpp"

namespace sojourn::tools {

namespace {

using leases::Errno;
using leases::FileType;
using leases::InodeIndex;
using leases::Volume;
namespace fs = std::filesystem;

constexpr std::size_t kCopyInBytes = 65'536;

class TreeCopyIn {
public:
    TreeCopyIn(Volume& volume, const VolumeReference& reference)
        : volume_(volume), reference_(reference) {}

    Result<void> copy(const fs::path& source, const std::string& target, Tree tree) {
        std::error_code problem;
        const auto status = fs::symlink_status(source, problem);
        if (problem) return fail_errno(problem.value(), "cannot copy {}", source.native());
        switch (status.type()) {
            case fs::file_type::regular:
                return copy_file(source, target);
            case fs::file_type::symlink:
                return copy_link(source, target);
            case fs::file_type::directory:
                if (tree == Tree::yes) return copy_directory(source, target);
                return fail(ErrorCode::invalid_argument, "{} is a directory; -r copies it",
                            source.native());
            default:
                return fail(ErrorCode::invalid_argument,
                            "{} is neither file, directory nor link; a volume has no such thing",
                            source.native());
        }
    }

private:
    [[nodiscard]] Error error_at(Errno error, const std::string& target) const {
        VolumeReference place = reference_;
        place.path = target;
        return error_of(error, place.text());
    }

    Result<void> copy_file(const fs::path& source, const std::string& target) {
        const UniqueFd file(::open(source.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
        if (!file.valid()) return fail_errno(errno, "cannot open {}", source.native());
        auto opened = volume_.open(leases::kRootInode, target,
                                   {.create = true, .truncate = true, .write = true});
        if (!opened.ok()) return error_at(opened.error(), target);
        auto copied = copy_content(file.get(), source, opened->inode, target);
        volume_.close(opened->inode);
        return copied;
    }

    Result<void> copy_content(int file, const fs::path& source, InodeIndex inode,
                              const std::string& target) {
        std::array<std::byte, kCopyInBytes> bytes;
        for (std::uint64_t offset = 0;;) {
            const ssize_t count = ::read(file, bytes.data(), bytes.size());
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) return fail_errno(errno, "cannot read {}", source.native());
            if (count == 0) return {};
            const iovec buffer{.iov_base = bytes.data(),
                               .iov_len = static_cast<std::size_t>(count)};
            auto written = volume_.write(inode, offset, {&buffer, 1});
            if (!written.ok()) return error_at(written.error(), target);
            if (*written < buffer.iov_len) return error_at(Errno::nospc, target);
            offset += *written;
        }
    }

    Result<void> copy_link(const fs::path& source, const std::string& target) {
        std::error_code problem;
        const fs::path leads_to = fs::read_symlink(source, problem);
        if (problem) return fail_errno(problem.value(), "cannot read {}", source.native());
        const Errno error = volume_.symlink(leads_to.native(), leases::kRootInode, target).error();
        if (error == Errno::success) return {};
        return error_at(error, target);
    }

    Result<void> copy_directory(const fs::path& source, const std::string& target) {
        const Errno error = volume_.create_directory(leases::kRootInode, target).error();
        auto there = volume_.find(leases::kRootInode, target, /*follow=*/false);
        const bool is_there = there.ok() && there->type == FileType::directory;
        if (error != Errno::success && !is_there) return error_at(error, target);
        std::vector<fs::path> below;
        std::error_code problem;
        for (const auto& entry : fs::directory_iterator(source, problem))
            below.push_back(entry.path());
        if (problem) return fail_errno(problem.value(), "cannot list {}", source.native());
        std::ranges::sort(below);
        for (const fs::path& path : below)
            TRY(copy(path, fmt::format("{}/{}", target, path.filename().native()), Tree::yes));
        return {};
    }

    Volume& volume_;
    const VolumeReference& reference_;
};

/// `dir/` and `dir/.` are called as their directory is.
std::string last_name_of(const fs::path& source) {
    std::error_code problem;
    return fs::weakly_canonical(source, problem).filename().native();
}

}  // namespace

Result<void> copy_in(const fs::path& source, Volume& volume, const VolumeReference& reference,
                     Tree tree) {
    auto there = volume.find(leases::kRootInode, reference.path, /*follow=*/true);
    const bool is_into = there.ok() && there->type == FileType::directory;
    const std::string target =
        is_into ? fmt::format("{}/{}", reference.path, last_name_of(source)) : reference.path;
    return TreeCopyIn(volume, reference).copy(source, target, tree);
}

}  // namespace sojourn::tools
