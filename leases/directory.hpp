#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "leases/descriptor.hpp"
#include "leases/file_history.hpp"
#include "leases/place.hpp"

namespace sojourn::leases {

struct ParentAndName;

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

/// A directory that the user granted, or one below it. Names are resolved beneath it and can't
/// lead out; below a read-only grant everything that changes something answers rofs.
class Directory final : public Descriptor {
public:
    struct State {
        Place place;
        std::string guest_name;  ///< of a grant; empty otherwise
        bool is_listing = false;
        std::vector<DirectoryEntry> listing;  ///< what is being read out, in the order of cookies
    };

    /// The directory that the user names by a place without a path. What changes below it is noted
    /// in `history`, if there is one; borrowed.
    /// Errors: not_found, permission_denied, io, with the path.
    static Result<std::unique_ptr<Directory>> grant(Place place, std::string guest_name,
                                                    FileHistory* history);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::directory; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    void release() override;
    Result<void> reacquire(const Host& host) override;
    Result<void> probe(const Host& host) const override;
    std::vector<Grant> sufficient_grants() const override {
        return {state_.place.directory_grant()};
    }
    void relocate(const Relocation& relocation) override { state_.place.relocate(relocation); }
    Place* place() override { return &state_.place; }
    void follow_rename(const Place& from, const Place& to) override {
        state_.place.follow(from, to);
    }

    FileType type() const override { return FileType::directory; }
    Answer<FileStatus> status() const override;
    Errno set_size(std::uint64_t) override { return Errno::isdir; }
    Errno set_times(const Times& times) override;
    Errno advise(std::uint64_t, std::uint64_t, int) override { return Errno::badf; }
    Errno allocate(std::uint64_t, std::uint64_t) override { return Errno::badf; }
    Errno sync() override;

    /// As the guest calls it; empty below a grant.
    [[nodiscard]] const std::string& guest_name() const { return state_.guest_name; }

    [[nodiscard]] const Place& place() const { return state_.place; }

    /// Where a name below this directory is found again.
    [[nodiscard]] Place place_of(std::string_view path) const { return state_.place.below(path); }

    /// A File or a Directory. Errors: notsup for what is neither.
    Answer<std::unique_ptr<Descriptor>> open(std::string_view path, const OpenRequest& request);
    Errno create_directory(std::string_view path);
    Errno remove_directory(std::string_view path);
    Errno unlink_file(std::string_view path);
    Errno rename(std::string_view path, Directory& to, std::string_view new_path);
    Errno link(std::string_view path, Directory& to, std::string_view new_path);
    Errno symlink(std::string_view target, std::string_view path);
    Answer<std::string> read_link(std::string_view path);
    Answer<FileStatus> status_of(std::string_view path, bool follow);
    Errno set_times_of(std::string_view path, bool follow, const Times& times);

    /// The entries, sorted by name; index 0 lists afresh, and the list stays the same until then,
    /// across resumes too. Valid until the next call. Errors: what reading says; nomem for more
    /// than kListedEntriesMax.
    Answer<std::span<const DirectoryEntry>> entries_from(std::uint64_t index);
    /// The guest has seen the end: the list need not be kept.
    void end_listing();
    /// Entries that are kept for a list under way.
    [[nodiscard]] std::size_t listed_count() const { return state_.listing.size(); }

private:
    Directory(State state, UniqueFd directory, FileHistory* history);
    Errno list();
    [[nodiscard]] NameInDirectory name_at(std::string_view path, const ParentAndName& at) const;
    /// Makes a name, which the history hears of first.
    Errno create(const NameInDirectory& name, const std::function<int()>& make);
    Answer<UniqueFd> open_host_file(std::string_view path, const OpenRequest& request,
                                    bool is_there);
    Answer<UniqueFd> create_file(std::string_view path, const OpenRequest& request);

    State state_;
    UniqueFd directory_;
    FileHistory* history_ = nullptr;  ///< while its changes are noted
};

}  // namespace sojourn::leases
