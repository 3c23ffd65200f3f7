#pragma once

#include "leases/descriptor.hpp"
#include "leases/directory.hpp"
#include "leases/place.hpp"

namespace sojourn::leases {

/// An open regular file, with a position of its own.
///
/// When it was open for writing at a checkpoint and is longer at the resume, it is cut to its
/// length at the checkpoint: the guest writes the rest again. When it is shorter, or gone, the
/// lease is lost.
class File final : public Descriptor {
public:
    struct State {
        Place place;
        bool reads = false;
        bool writes = false;
        DescriptorFlags flags = 0;
        std::uint64_t offset = 0;
        std::uint64_t length = 0;  ///< at the capture, as are these two
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
        bool is_removed = false;  ///< it had no name any more
    };

    static int host_flags_of(DescriptorFlags flags);
    static Answer<std::unique_ptr<Descriptor>> opened(Place place, const OpenRequest& request,
                                                      UniqueFd file);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::file; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    void release() override;
    Result<void> reacquire(const Host& host) override;
    Result<void> probe(const Host& host) const override;
    std::vector<Grant> sufficient_grants() const override {
        return {state_.place.directory_grant(), state_.place.file_grant()};
    }
    void relocate(const Relocation& relocation) override;
    void follow_rename(const Place& from, const Place& to) override {
        state_.place.follow(from, to);
    }

    FileType type() const override { return FileType::regular_file; }
    DescriptorFlags flags() const override { return state_.flags; }
    Errno set_flags(DescriptorFlags flags) override;
    Answer<FileStatus> status() const override;
    Errno set_size(std::uint64_t size_bytes) override;
    Errno set_times(const Times& times) override;

    Answer<std::size_t> read(std::span<const iovec> buffers, Waiting waiting) override;
    Answer<std::size_t> write(std::span<const iovec> buffers, Waiting waiting) override;
    Answer<std::uint64_t> seek(std::int64_t offset, Whence whence) override;
    Answer<std::size_t> read_at(std::span<const iovec> buffers, std::uint64_t offset) override;
    Answer<std::size_t> write_at(std::span<const iovec> buffers, std::uint64_t offset) override;

    Errno advise(std::uint64_t offset, std::uint64_t length, int advice) override;
    Errno allocate(std::uint64_t offset, std::uint64_t length) override;
    Errno sync() override;
    Errno sync_data() override;
    std::uint64_t readable_bytes() const override;

private:
    File(State state, UniqueFd file) : state_(std::move(state)), file_(std::move(file)) {}
    /// False leaves the reason in errno.
    bool set_host_appending(bool appends);
    Result<void> note_what_is_there();
    /// What lies at the place, if it can be what this was.
    [[nodiscard]] Result<UniqueFd> open_again() const;
    Result<void> roll_back();

    State state_;
    UniqueFd file_;
    bool comes_from_checkpoint_ = false;
};

}  // namespace sojourn::leases
