#pragma once

#include "leases/directory.hpp"
#include "leases/volume/volume_place.hpp"

namespace sojourn::leases {

/// A volume that the guest was given, or a directory in one.
class VolumeDirectory final : public Directory {
public:
    struct State {
        VolumePlace place;
        std::string guest_name;  ///< of a volume's root that was given; empty otherwise
    };

    /// The root of a volume. Errors: as Volumes::find().
    static Result<std::unique_ptr<VolumeDirectory>> grant(DiskId disk, std::string guest_name,
                                                          bool is_read_only, const Host& host);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::volume; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    /// There is nothing of the host to give back.
    void release() override {}
    Result<void> reacquire(const Host& host) override;
    void let_go() override;

    Answer<FileStatus> status() const override { return state_.place.status(*volume_); }
    Errno set_times(const Times& times) override;
    Errno sync() override { return Errno::success; }

    [[nodiscard]] const std::string& guest_name() const override { return state_.guest_name; }
    [[nodiscard]] std::optional<Place> place_of(std::string_view) const override { return {}; }

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
    VolumeDirectory(State state, Volume* volume) : state_(std::move(state)), volume_(volume) {}
    Answer<std::vector<DirectoryEntry>> list() override;
    /// What becomes of a change that leads to another directory.
    [[nodiscard]] Errno check_change_with(const Directory& to) const;

    State state_;
    Volume* volume_;  ///< of this life; nullptr until it is found
};

}  // namespace sojourn::leases
