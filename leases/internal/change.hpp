#pragma once

#include <ctime>
#include <optional>

#include "leases/place.hpp"

/// What a journal says of the changes to a process's files, so that they can be undone
/// (docs/formats/file_history.md).
namespace sojourn::leases {

/// Of a file, for as long as it has a name, is open or lies in the attic (Attic::identity_of()).
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;

    auto operator<=>(const FileIdentity&) const = default;
};

/// What a host says of a file.
struct HostStatus {
    std::uint64_t device;
    std::uint64_t inode;
    std::uint64_t generation;  ///< tells it from the next one with that number
    std::uint32_t mode;
    std::uint32_t link_count;
    std::uint64_t length;
    std::int64_t modified_ns;
};

/// Of what has that name in a directory, a link itself, or of an open file, when it is empty.
/// nullopt: there is no such thing, or it can't be seen; errno says why.
std::optional<HostStatus> host_status_of(int directory, const std::string& name = {});

/// Nanoseconds since 1970, of a time that a file has.
std::int64_t nanoseconds_of(const timespec& time);
timespec timespec_of(std::int64_t nanoseconds);

/// On disk.
enum class ChangeKind : std::uint32_t {
    content = 1,            ///< bytes, the length or the time of a file
    created = 2,            ///< a file, directory or link at `place`
    moved = 3,              ///< what is at `place` to `target`; either may be in the attic
    directory_removed = 4,  ///< an empty one, at `place`
    nothing = 5,            ///< but that what `undoes` names has not happened
    left = 6,               ///< no change: how a file was left after all changes before
    barrier = 7,            ///< nothing below `place` can be brought back from behind here
    restarted = 8,          ///< no change: the host has been started anew
};

/// One record. What a kind has no use for is zero.
struct Change {
    ChangeKind kind = ChangeKind::nothing;
    std::uint64_t undoes = 0;      ///< a record: all is as before it, once this has happened
    Place place = {};              ///< at the time of the change
    Place target = {};             ///< moved
    bool keeps_target = false;     ///< moved: what lay there is in the attic, under this record
    bool is_uncertain = false;     ///< left: a change was under way when the process was killed
    FileIdentity identity = {};    ///< content, moved, left
    std::uint64_t length = 0;      ///< content: before it; left
    std::int64_t modified_ns = 0;  ///< content: before it; left: not later
    std::uint32_t mode = 0;        ///< directory_removed
    std::uint64_t offset = 0;      ///< content: where `bytes` lay
    ByteVector bytes = {};         ///< content: before it; barrier: why, as text
};

ByteVector encode(const Change& change);
/// Trusts nothing. Errors: corrupt.
Result<Change> decode_change(Bytes bytes);

}  // namespace sojourn::leases
