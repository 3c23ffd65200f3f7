#pragma once

#include <string>
#include <string_view>

#include "leases/service.hpp"

namespace sojourn::leases {

/// What a resume does to a file that a guest may change. The numbers are on disk.
enum class OnResume : std::uint8_t {
    rollback = 0,         ///< it becomes what the checkpoint saw
    rollback_synced = 1,  ///< the same, after a power cut too
    keep = 2,             ///< it is taken as it is
    refuse = 3,           ///< the resume stops unless it is what the checkpoint saw
};

/// `rollback`, `rollback,sync`, `keep` or `refuse`. Errors: invalid_argument.
Result<OnResume> parse_on_resume(std::string_view text);

/// Where a file or directory is found again: a name below a directory that the user granted. Each
/// service has its own copy, so that it outlives the descriptor it was opened through.
struct Place {
    std::string grant;  ///< absolute, on the host; empty: the process's own attic
    std::string path;   ///< below it; empty: the granted directory itself
    bool is_read_only = false;
    OnResume on_resume = OnResume::rollback;
    bool has_moved = false;  ///< since the checkpoint that it comes from: it is not saved

    /// Whether what changes here is noted, so that a resume can undo it.
    [[nodiscard]] bool rolls_back() const {
        return !is_read_only &&
               (on_resume == OnResume::rollback || on_resume == OnResume::rollback_synced);
    }
    [[nodiscard]] bool is_in_attic() const { return grant.empty(); }
    /// The process's log, which is in its attic and has not been removed.
    [[nodiscard]] bool is_log() const;
    /// Whether a roll-back of the process's files makes what lies here what it was. A history knows
    /// places by the directories they were in.
    [[nodiscard]] bool is_brought_back() const {
        return is_in_attic() || (rolls_back() && !has_moved && !path.empty());
    }

    /// The file at an absolute path, below the directory it lies in.
    static Place of_file(std::string_view path, bool is_read_only);

    [[nodiscard]] Place below(std::string_view relative) const;
    [[nodiscard]] std::string description() const;

    /// Follows a renaming of `from`, or of a directory on the way here, to `to`.
    void follow(const Place& from, const Place& to);
    /// The granted directory is called otherwise here.
    void relocate(const Relocation& relocation);

    [[nodiscard]] Grant directory_grant() const;
    /// For what lies here alone.
    [[nodiscard]] Grant file_grant() const;
};

void put(ByteWriter& writer, const Place& place);
Result<Place> get_place(ByteReader& reader);

/// Opens what is there now, which is not in the attic, without creating or following anything out
/// of the grant.
Result<UniqueFd> open_place(const Place& place, int flags);

}  // namespace sojourn::leases
