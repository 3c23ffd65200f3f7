#pragma once

#include "leases/directory.hpp"
#include "leases/volume/volume_place.hpp"

namespace sojourn::leases {

/// An open file of a volume, with a position of its own.
class VolumeFile final : public Descriptor {
public:
    struct State {
        VolumePlace place;
        bool reads = false;
        bool writes = false;
        DescriptorFlags flags = 0;
        std::uint64_t offset = 0;
    };

    /// What the volume counts as open for this.
    static Answer<std::unique_ptr<Descriptor>> opened(VolumePlace place, const OpenRequest& request,
                                                      Volume& volume);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::volume_file; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    /// There is nothing of the host to give back.
    void release() override {}
    Result<void> reacquire(const Host& host) override;
    void let_go() override;

    FileType type() const override { return FileType::regular_file; }
    DescriptorFlags flags() const override { return state_.flags; }
    Errno set_flags(DescriptorFlags flags) override;
    Answer<FileStatus> status() const override { return state_.place.status(*volume_); }
    Errno set_size(std::uint64_t size_bytes) override;
    Errno set_times(const Times& times) override;

    Answer<std::size_t> read(std::span<const iovec> buffers, Waiting waiting) override;
    Answer<std::size_t> write(std::span<const iovec> buffers, Waiting waiting) override;
    Answer<std::uint64_t> seek(std::int64_t offset, Whence whence) override;
    Answer<std::size_t> read_at(std::span<const iovec> buffers, std::uint64_t offset) override;
    Answer<std::size_t> write_at(std::span<const iovec> buffers, std::uint64_t offset) override;

    Errno advise(std::uint64_t offset, std::uint64_t length, int advice) override;
    Errno allocate(std::uint64_t offset, std::uint64_t length) override;
    Errno sync() override { return Errno::success; }
    std::uint64_t readable_bytes() const override;

private:
    VolumeFile(State state, Volume* volume) : state_(std::move(state)), volume_(volume) {}

    State state_;
    Volume* volume_;  ///< of this life; nullptr until it is found
};

}  // namespace sojourn::leases
