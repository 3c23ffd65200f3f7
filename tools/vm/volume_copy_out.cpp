#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/printable.hpp"
#include "tools/vm/volume_copy.hpp"

namespace sojourn::tools {

namespace {

using leases::FileType;
using leases::InodeIndex;
using leases::Volume;
namespace fs = std::filesystem;

constexpr std::size_t kCopyOutBytes = 65'536;
constexpr std::size_t kDepthMax = 1000;

/// Below directories that it makes itself, by their descriptors: a name leads nowhere else.
class TreeCopyOut {
public:
    TreeCopyOut(const Volume& volume, std::string what) : volume_(volume), what_(std::move(what)) {}

    Result<void> copy(InodeIndex inode, FileType type, int parent, const std::string& name,
                      Tree tree) {
        switch (type) {
            case FileType::regular_file:
                return copy_file(inode, parent, name, O_EXCL);
            case FileType::directory:
                if (tree == Tree::yes) return copy_directory(inode, parent, name);
                return fail(ErrorCode::invalid_argument, "{} is a directory; -r copies it", what_);
            default:
                return fail(ErrorCode::corrupt, "{} is neither file nor directory", what_);
        }
    }

    /// `how` says what becomes of a file that is there.
    Result<void> copy_file(InodeIndex inode, int parent, const std::string& name, int how) {
        const UniqueFd file(::openat(parent, name.c_str(),
                                     O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | how, 0666));
        if (!file.valid()) return fail_errno(errno, "cannot make {}", printable(name));
        auto status = volume_.status(inode);
        if (!status.ok()) return error_of(status.error(), what_);
        for (std::uint64_t offset = 0; offset < status->size_bytes;) {
            auto data = volume_.next_data(inode, offset);
            if (!data.ok()) return error_of(data.error(), what_);
            offset = TRY(copy_piece(inode, *data, file.get(), printable(name)));
        }
        if (::ftruncate(file.get(), static_cast<off_t>(status->size_bytes)) != 0)
            return fail_errno(errno, "cannot make {} as long as it is", printable(name));
        return {};
    }

private:
    /// Where it ends; at the end of the file nothing is read.
    Result<std::uint64_t> copy_piece(InodeIndex inode, std::uint64_t offset, int file,
                                     const std::string& name) {
        std::array<std::byte, kCopyOutBytes> bytes;
        const iovec buffer{.iov_base = bytes.data(), .iov_len = bytes.size()};
        auto count = volume_.read(inode, offset, {&buffer, 1});
        if (!count.ok()) return error_of(count.error(), what_);
        copied_bytes_ += *count;
        // Files that share blocks would come out without end.
        if (copied_bytes_ > volume_.size_bytes_max()) return error_of(leases::Errno::io, what_);
        for (std::size_t done = 0; done < *count;) {
            const ssize_t written = ::pwrite(file, bytes.data() + done, *count - done,
                                             static_cast<off_t>(offset + done));
            if (written < 0 && errno != EINTR) return fail_errno(errno, "cannot write {}", name);
            if (written > 0) done += static_cast<std::size_t>(written);
        }
        return offset + *count;
    }

    Result<void> copy_directory(InodeIndex inode, int parent, const std::string& name) {
        // A directory lies in one other.
        if (!directories_.insert(inode).second) return error_of(leases::Errno::io, what_);
        if (depth_ == kDepthMax)
            return fail(ErrorCode::invalid_argument, "{} is more than {} deep", what_, kDepthMax);
        ++depth_;
        if (::mkdirat(parent, name.c_str(), 0777) != 0)
            return fail_errno(errno, "cannot make directory {}", printable(name));
        const UniqueFd made(
            ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!made.valid()) return fail_errno(errno, "cannot open {}", printable(name));
        auto listed = volume_.list(inode);
        if (!listed.ok()) return error_of(listed.error(), what_);
        for (const leases::DirectoryEntry& entry : *listed) {
            if (entry.name == "." || entry.name == "..") continue;
            const InodeIndex below{static_cast<std::uint32_t>(entry.inode)};
            if (entry.type == FileType::symbolic_link) {
                TRY(copy_link(inode, made.get(), entry.name));
            } else {
                TRY(copy(below, entry.type, made.get(), entry.name, Tree::yes));
            }
        }
        --depth_;
        return {};
    }

    Result<void> copy_link(InodeIndex directory, int parent, const std::string& name) {
        auto target = volume_.read_link(directory, name);
        if (!target.ok()) return error_of(target.error(), what_);
        if (::symlinkat(target->c_str(), parent, name.c_str()) == 0) return {};
        return fail_errno(errno, "cannot make link {}", printable(name));
    }

    const Volume& volume_;
    std::string what_;
    std::uint64_t copied_bytes_ = 0;
    std::size_t depth_ = 0;
    std::set<InodeIndex> directories_;
};

std::string last_name_of(const VolumeReference& reference) {
    const auto name = fs::path(reference.path).lexically_normal().filename().native();
    return name.empty() || name == "." || name == ".." ? reference.volume : name;
}

}  // namespace

Result<void> copy_out(const Volume& volume, const VolumeReference& reference,
                      const fs::path& target, Tree tree) {
    auto found = volume.find(leases::kRootInode, reference.path, /*follow=*/true);
    if (!found.ok()) return error_of(found.error(), reference.text());
    std::error_code problem;
    const bool is_into = fs::is_directory(target, problem);
    const fs::path made = is_into ? target / last_name_of(reference) : target;
    const fs::path above = made.has_parent_path() ? made.parent_path() : ".";
    const UniqueFd parent(::open(above.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent.valid()) return fail_errno(errno, "cannot open {}", above.native());
    TreeCopyOut copy(volume, reference.text());
    const std::string name = made.filename().native();
    if (found->type == FileType::regular_file)
        return copy.copy_file(found->inode, parent.get(), name, O_TRUNC);
    return copy.copy(found->inode, found->type, parent.get(), name, tree);
}

}  // namespace sojourn::tools
