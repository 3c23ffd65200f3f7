#pragma once

#include <array>
#include <bit>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "leases/file_history.hpp"
#include "leases/internal/attic.hpp"
#include "leases/internal/left_files.hpp"

namespace sojourn::leases {

/// The grain of pre-images.
inline constexpr std::uint64_t kBlockBytes = 4096;
/// In one record.
inline constexpr std::uint64_t kBlocksMax = 256;

/// Blocks of a file, as a set that takes memory for where it has some.
class BlockSet {
public:
    /// Blocks next to each other, from a multiple of their number on.
    static constexpr std::uint64_t kGroupBlocks = 64;

    /// False when it was there.
    bool insert(std::uint64_t block) {
        std::uint64_t& group = group_of(block);
        const std::uint64_t bit = std::uint64_t{1} << (block % kGroupBlocks);
        if ((group & bit) != 0) return false;
        group |= bit;
        return true;
    }
    bool has_all(std::uint64_t first, std::uint64_t last) {
        while (first <= last && (group_of(first) >> (first % kGroupBlocks) & 1U) != 0)
            ++first;
        return first > last;
    }
    /// Whether a quarter of the block's group is there.
    bool is_dense_at(std::uint64_t block) {
        return static_cast<unsigned>(std::popcount(group_of(block))) >= kGroupBlocks / 4;
    }
    void clear() { areas_.clear(); }

private:
    static constexpr std::size_t kAreaGroups = 64;
    std::uint64_t& group_of(std::uint64_t block) {
        const std::uint64_t group = block / kGroupBlocks;
        return areas_[group / kAreaGroups][group % kAreaGroups];
    }

    std::unordered_map<std::uint64_t, std::array<std::uint64_t, kAreaGroups>> areas_;
};

struct TrackedFile {
    FileIdentity identity;
    Place place;
    std::vector<int> descriptors = {};  ///< of the guest's open files; borrowed
    std::optional<LeftFiles::Index> row = {};

    // Of the interval between two checkpoints in which it was changed last.
    std::uint64_t interval = 0;
    bool is_new = false;       ///< created in it
    std::uint64_t length = 0;  ///< at its first change; what lies beyond is nobody's to bring back
    std::int64_t modified_ns = 0;
    BlockSet saved = {};
    std::uint64_t names_seen = 0;  ///< of State::name_changes, when `place` was looked at
};

struct FileHistory::State {
    std::unique_ptr<store::Journal> journal;
    Attic attic;
    LeftFiles left;
    bool is_recording = false;
    bool has_rolled_back = false;
    std::uint64_t interval = 1;
    std::uint64_t name_changes = 1;
    std::map<FileIdentity, std::weak_ptr<TrackedFile>> tracked = {};
    std::vector<std::shared_ptr<TrackedFile>> changed = {};  ///< in this interval
    std::set<FileIdentity> created = {};  ///< in this interval; to undo that undoes what is in them
    std::set<std::string> synced_grants = {};  ///< with changes in this interval

    Result<HistoryPosition> note(const Change& change);
    Result<void> note_barrier(const Place& place, std::string_view why);
    /// What lies below these directories can't be brought back from before this moment any more.
    Result<void> break_with_past(const std::set<std::string>& grants);
    /// That the change of that number was refused by the host.
    void annul(HistoryPosition number);

    std::shared_ptr<TrackedFile> track(const Place& place, const HostStatus& status);
    /// nullptr: it is not open.
    std::shared_ptr<TrackedFile> find(FileIdentity identity);
    void begin_interval();
    void forget_closed_files();
    /// Writes down how a file is left, for good.
    Result<void> settle(TrackedFile& file);
    Result<void> settle_all();
    Result<void> settle_rows_of_earlier_life();
    /// That the host was started anew since the last life, if it was.
    Result<void> note_restart(const std::filesystem::path& directory);
    /// Makes durable what has changed below grants that are to be.
    Result<void> sync_changed();

    /// Opens what is at `place`, in the attic or elsewhere.
    Result<UniqueFd> open_at(const Place& place, int flags) const;

    Result<void> begin_file(TrackedFile& file, int descriptor);
    Result<void> expect_found_again(TrackedFile& file, int descriptor);
    /// Notes `length` bytes from `offset` on, as far as the file had them when the interval began.
    /// Answers whether there were any.
    Result<bool> save(TrackedFile& file, int descriptor, std::uint64_t offset,
                      std::uint64_t length);
    Result<void> before_change(TrackedFile& file, int descriptor, std::uint64_t offset,
                               std::uint64_t length);

    /// Whether a checkpoint goes back behind what changes there.
    [[nodiscard]] bool notes(const Place& place) const {
        return is_recording && place.rolls_back();
    }
    /// Of what is about to be removed: a checkpoint goes back to it, or the next one has it open.
    bool must_keep(const Place& place, const HostStatus& status);
    void follow_rename(const Place& from, const Place& to);
    /// What `identity` names has been moved to the attic, under that number.
    Result<void> follow_removal(FileIdentity identity, HistoryPosition number);
};

/// Where what is open as `descriptor` lies below the grant of `known`, without links on the way:
/// those can be moved away. nullopt: it has no name there.
std::optional<Place> place_without_links(const Place& known, int descriptor);

/// What the guest hears when a change could not be noted.
Errno errno_of(const Error& error);

/// Fills as much of `out` as the file has, also by a descriptor that is only open for writing.
Result<std::size_t> read_file_at(int descriptor, MutableBytes out, std::uint64_t offset);

}  // namespace sojourn::leases
