#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "leases/directory.hpp"
#include "leases/volume/disk.hpp"
#include "leases/volume/inode_index.hpp"

namespace sojourn::leases {

/// A file system on a disk: files, directories, symbolic and hard links, as POSIX has them. What is
/// not in a volume can't be named in it: paths are relative to a directory and can't lead out of
/// it, neither by `..` nor by a link.
///
/// There is no journal, for the disk and the memory of the process that uses it are saved as one
/// moment. Files that are open are counted on the disk, so that one that is removed meanwhile stays
/// until its last descriptor is closed, in whichever life of the process that is.
///
/// Nothing on the disk is trusted: what can't be answers io. Borrows the disk and the clock; used
/// by one thread.
class Volume {
public:
    static constexpr std::uint64_t kSmallestBytes = std::uint64_t{1} << 20U;
    static constexpr std::uint64_t kLargestBytes = std::uint64_t{1} << 40U;
    static constexpr std::uint64_t kUsualBytes = std::uint64_t{4} << 30U;

    /// An empty one on an empty disk. Requires: is_volume_name(name); the disk may have
    /// kSmallestBytes. Errors: out_of_memory.
    static Result<std::unique_ptr<Volume>> format(Disk& disk, const Clock& clock,
                                                  std::string_view name);
    /// Errors: corrupt, unsupported_format.
    static Result<std::unique_ptr<Volume>> mount(Disk& disk, const Clock& clock);
    ~Volume();

    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::uint64_t size_bytes_max() const;
    /// By files, directories and what is kept about them.
    [[nodiscard]] std::uint64_t used_bytes() const;

    struct Opened {
        InodeIndex inode{0};
        FileType type = FileType::unknown;
    };
    /// Counts it as open, until close(). `flags`, `read` and `write` of the request are the
    /// caller's affair, but for a directory, which is not written.
    Answer<Opened> open(InodeIndex directory, std::string_view path, const OpenRequest& request);
    /// What is open already, once more. Errors: stale when nothing is, or another type of thing.
    Answer<void> open_again(InodeIndex inode, FileType type);
    /// Whether that is open. Errors: as open_again().
    Answer<void> expect_open(InodeIndex inode, FileType type) const;
    void close(InodeIndex inode);

    Answer<void> create_directory(InodeIndex directory, std::string_view path);
    Answer<void> remove_directory(InodeIndex directory, std::string_view path);
    Answer<void> unlink_file(InodeIndex directory, std::string_view path);
    /// Both are directories of this volume. What `new_path` named before is replaced at once.
    Answer<void> rename(InodeIndex directory, std::string_view path, InodeIndex new_directory,
                        std::string_view new_path);
    Answer<void> link(InodeIndex directory, std::string_view path, InodeIndex new_directory,
                      std::string_view new_path);
    Answer<void> symlink(std::string_view target, InodeIndex directory, std::string_view path);
    Answer<std::string> read_link(InodeIndex directory, std::string_view path) const;
    /// What a path leads to. Good while nothing is changed.
    Answer<Opened> find(InodeIndex directory, std::string_view path, bool follow) const;

    /// All that is in a directory, `.` and `..` too, in no order. Errors: nomem for more than
    /// kListedEntriesMax.
    Answer<std::vector<DirectoryEntry>> list(InodeIndex directory) const;
    /// `device` is 0: the caller knows which of the volumes this is.
    Answer<FileStatus> status(InodeIndex inode) const;
    Answer<void> set_times(InodeIndex inode, const Times& times);

    /// Of files. Reads end with the file, writes make it longer; both may be short. Errors: fbig,
    /// nospc.
    Answer<std::size_t> read(InodeIndex file, std::uint64_t offset,
                             std::span<const iovec> buffers) const;
    Answer<std::size_t> write(InodeIndex file, std::uint64_t offset,
                              std::span<const iovec> buffers);
    Answer<void> set_size(InodeIndex file, std::uint64_t size_bytes);
    /// Room for all of a range, to which the file becomes long enough. Errors: nospc; there may be
    /// room for a part of it then, and the file is as long as it was.
    Answer<void> allocate(InodeIndex file, std::uint64_t offset, std::uint64_t length);
    /// Where the next bytes are that were ever written, at `offset` or behind it; the end of the
    /// file when there are none.
    Answer<std::uint64_t> next_data(InodeIndex file, std::uint64_t offset) const;

    /// Walks all of it; each sentence is something that does not hold.
    [[nodiscard]] std::vector<std::string> verify() const;

    struct Parts;

private:
    explicit Volume(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// 1 to 64 letters, digits, `.`, `_` and `-`, the first a letter or digit.
bool is_volume_name(std::string_view name);

}  // namespace sojourn::leases
