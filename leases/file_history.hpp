#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "leases/place.hpp"
#include "store/journal.hpp"

/// What a process has changed in the files of its host since its checkpoints, so that a resume can
/// make memory and files one moment again.
namespace sojourn::leases {

/// A moment in a history: the number of the next record.
using HistoryPosition = store::RecordNumber;

/// A file as a history knows it: one object an inode, however many descriptors there are.
struct TrackedFile;

/// A name in a directory that is open.
struct NameInDirectory {
    /// Its place is where `parent` lies now; `known` if that has no name any more.
    NameInDirectory(const Place& known, int parent, std::string name);

    Place place;  ///< of the name
    int directory;
    std::string name;
};

/// What a resume may do to what lies at a place that a history names.
enum class Reach : std::uint8_t {
    brought_back,
    kept,         ///< it is taken as it is
    not_granted,  ///< nothing, so that whoever would have to is refused
};
/// By the directory alone when the place has no name below it. Of what is in the attic it is asked
/// for the log alone.
using ReachOf = std::function<Reach(const Place&)>;

/// Whether a way back changes what lies at a place now. Errors: it would have to, and what lies
/// there is not as the process left it, or can't be looked at.
using WillChange = std::function<Result<bool>(const Place&)>;

/// The undo journal of one process (docs/formats/file_history.md, decision 12).
///
/// Before anything below a grant changes that rolls back, a record says how to undo it: the
/// pre-image of blocks, once between two checkpoints; the length; the name that was made, moved or
/// removed. What is removed or replaced is kept in an attic. roll_back() goes from the newest
/// record to the one a checkpoint names, and notes what it does as any other change, so that it can
/// itself be undone: each checkpoint that the history still reaches can be gone to, whichever
/// branch it is on, and a roll-back that was killed is begun again.
///
/// Nothing is noted before the first checkpoint, to which alone anything could go back, nor below a
/// grant that does not roll back: but for what is removed while it is open, which the attic keeps
/// wherever it was. Used by the
/// guest's thread alone; one history a process at a time, which the runner's lock sees to.
class FileHistory {
public:
    /// Opens or makes the history in `directory`, whose parent is there.
    static Result<std::unique_ptr<FileHistory>> open(const std::filesystem::path& directory);
    FileHistory(const FileHistory&) = delete;
    FileHistory& operator=(const FileHistory&) = delete;
    ~FileHistory();

    /// The moment of a checkpoint. What is below a grant that rolls back in spite of a power cut is
    /// durable when this returns.
    Result<HistoryPosition> mark();

    /// Makes all files what they were at `position`, but for what is kept, which can't be brought
    /// back from behind this moment any more. Errors: refused by name when something is not as this
    /// process left it, with what differs, or not granted; all is then as it was before.
    Result<void> roll_back(HistoryPosition position, const ReachOf& reach_of);

    /// Looks ahead at what roll_back() would find, and changes nothing. What it answers borrows the
    /// history, and is of this moment. Errors: not_found: the history does not reach `position`;
    /// corrupt; io.
    [[nodiscard]] Result<WillChange> forecast(HistoryPosition position) const;

    /// Instead of roll_back(), when nothing is to be brought back: not even what happened since
    /// `position` need be known. `kept`: granted directories; an empty name: the log.
    Result<void> go_on(HistoryPosition position, const std::set<std::string>& kept);

    /// Whether roll_back() has made files and memory one moment in this life. A process without a
    /// past here, which was imported, has to compare instead.
    [[nodiscard]] bool has_rolled_back() const;

    /// Opens the log of the process to append to it, and makes it if need be; changes of it are to
    /// be noted as any other file's, at this place.
    Result<UniqueFd> open_log();
    static Place log_place();
    [[nodiscard]] bool has_log() const;
    /// Where the log of the process lies whose history is kept in `directory`.
    static std::filesystem::path log_path(const std::filesystem::path& directory);

    /// What nobody can go back to any more: all before `position`.
    Result<void> drop_before(HistoryPosition position);

    // For files: between before_change() and after_…() the file is changed, in no other way
    // than was told. `length` 0: its length grows, or its times change.

    std::shared_ptr<TrackedFile> track(const Place& place, int file);
    /// The descriptor is about to be closed.
    void untrack(const std::shared_ptr<TrackedFile>& file, int descriptor);
    /// The guest has closed its last descriptor of it for good, rather than that we give it back.
    void let_go(const TrackedFile& file);
    /// The place at which it will be found again.
    static const Place& place_of(const TrackedFile& file);
    Errno before_change(TrackedFile& file, int descriptor, std::uint64_t offset,
                        std::uint64_t length);
    /// Bytes were written, up to `end`.
    void after_write(TrackedFile& file, std::uint64_t end);
    /// Something else was done, or failed: looks at the file.
    void after_change(TrackedFile& file, int descriptor);
    /// Opens a removed file that is still open to the guest.
    Result<UniqueFd> open_removed(const Place& place, int flags);

    /// Makes a change of the times of what is at `place`, of which `descriptor` is; those of
    /// directories and links are not brought back.
    Errno change_times(const Place& place, int descriptor, const std::function<Errno()>& set);

    // For directories: each notes the change and makes it.

    /// `make` makes what has that name, and answers as a system call does.
    Errno create(const NameInDirectory& at, const std::function<int()>& make);
    Errno remove_file(const NameInDirectory& at);
    Errno remove_directory(const NameInDirectory& at);
    Errno rename(const NameInDirectory& from, const NameInDirectory& to);

private:
    friend class ReturnForecast;
    friend class Rollback;
    struct State;
    explicit FileHistory(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace sojourn::leases
