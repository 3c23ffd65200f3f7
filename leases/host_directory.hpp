#pragma once

#include "leases/directory.hpp"
#include "leases/file_history.hpp"

namespace sojourn::leases {

struct ParentAndName;

/// A directory that the user granted, or one below it. Its changes are noted in the history of the
/// process's files.
class HostDirectory final : public Directory {
public:
    struct State {
        Place place;
        std::string guest_name;  ///< of a grant; empty otherwise
    };

    /// The directory that the user names by a place without a path. What changes below it is noted
    /// in `history`, if there is one; borrowed.
    /// Errors: not_found, permission_denied, io, with the path.
    static Result<std::unique_ptr<HostDirectory>> grant(Place place, std::string guest_name,
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

    Answer<FileStatus> status() const override;
    Errno set_times(const Times& times) override;
    Errno sync() override;

    [[nodiscard]] const std::string& guest_name() const override { return state_.guest_name; }
    [[nodiscard]] const Place& place() const { return state_.place; }
    [[nodiscard]] std::optional<Place> place_of(std::string_view path) const override {
        return state_.place.below(path);
    }

    Answer<std::unique_ptr<Descriptor>> open(std::string_view path,
                                             const OpenRequest& request) override;
    Errno create_directory(std::string_view path) override;
    Errno remove_directory(std::string_view path) override;
    Errno unlink_file(std::string_view path) override;
    Errno rename(std::string_view path, Directory& to, std::string_view new_path) override;
    Errno link(std::string_view path, Directory& to, std::string_view new_path) override;
    Errno symlink(std::string_view target, std::string_view path) override;
    Answer<std::string> read_link(std::string_view path) override;
    Answer<FileStatus> status_of(std::string_view path, bool follow) override;
    Errno set_times_of(std::string_view path, bool follow, const Times& times) override;

private:
    HostDirectory(State state, UniqueFd directory, FileHistory* history);
    Answer<std::vector<DirectoryEntry>> list() override;
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
