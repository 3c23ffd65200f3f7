#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leases/descriptor.hpp"
#include "leases/place.hpp"

namespace sojourn::leases {

/// What the guest wants of a name it opens.
struct OpenRequest {
    bool follow = true;  ///< a final symbolic link
    bool create = false;
    bool directory = false;
    bool exclusive = false;
    bool truncate = false;
    bool read = false;
    bool write = false;
    DescriptorFlags flags = 0;
    int links_left = 40;  ///< that may lead on to a name that is made; as the kernel's limit
};

/// In one list; it is kept in memory and in checkpoints while the guest reads it out.
inline constexpr std::size_t kListedEntriesMax = std::size_t{1} << 20U;

struct DirectoryEntry {
    std::string name;
    std::uint64_t inode = 0;
    FileType type = FileType::unknown;
};

/// What names are resolved beneath, and can't lead out of. Where it is read-only everything that
/// changes something answers rofs.
class Directory : public Descriptor {
public:
    FileType type() const override { return FileType::directory; }
    Errno set_size(std::uint64_t) override { return Errno::isdir; }
    Errno advise(std::uint64_t, std::uint64_t, int) override { return Errno::badf; }
    Errno allocate(std::uint64_t, std::uint64_t) override { return Errno::badf; }

    /// As the guest calls what it was given at its start; empty for what it opened itself.
    [[nodiscard]] virtual const std::string& guest_name() const = 0;
    /// Where a name below is found again; nullopt when it is found without one.
    [[nodiscard]] virtual std::optional<Place> place_of(std::string_view path) const = 0;

    /// A file or a directory. Errors: notsup for what is neither.
    virtual Answer<std::unique_ptr<Descriptor>> open(std::string_view path,
                                                     const OpenRequest& request) = 0;
    virtual Errno create_directory(std::string_view path) = 0;
    virtual Errno remove_directory(std::string_view path) = 0;
    virtual Errno unlink_file(std::string_view path) = 0;
    /// Errors of these two: xdev when `to` is another kind of directory, or in another file system.
    virtual Errno rename(std::string_view path, Directory& to, std::string_view new_path) = 0;
    virtual Errno link(std::string_view path, Directory& to, std::string_view new_path) = 0;
    virtual Errno symlink(std::string_view target, std::string_view path) = 0;
    virtual Answer<std::string> read_link(std::string_view path) = 0;
    virtual Answer<FileStatus> status_of(std::string_view path, bool follow) = 0;
    virtual Errno set_times_of(std::string_view path, bool follow, const Times& times) = 0;

    /// The entries, sorted by name; index 0 lists afresh, and the list stays the same until then,
    /// across resumes too. Valid until the next call. Errors: what reading says; nomem for more
    /// than kListedEntriesMax.
    Answer<std::span<const DirectoryEntry>> entries_from(std::uint64_t index);
    /// The guest has seen the end: the list need not be kept.
    void end_listing();
    /// Entries that are kept for a list under way.
    [[nodiscard]] std::size_t listed_count() const { return listing_.size(); }

protected:
    /// All that is in it now, `.` and `..` too, in any order.
    virtual Answer<std::vector<DirectoryEntry>> list() = 0;

    /// The list under way, as a part of the state.
    void put_listing(ByteWriter& writer) const;
    Result<void> get_listing(ByteReader& reader);

private:
    bool is_listing_ = false;
    std::vector<DirectoryEntry> listing_;  ///< what is being read out, in the order of cookies
};

}  // namespace sojourn::leases
