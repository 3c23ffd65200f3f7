#pragma once

#include "base/sha256.hpp"
#include "leases/descriptor.hpp"
#include "leases/directory.hpp"
#include "leases/file_history.hpp"
#include "leases/place.hpp"

namespace sojourn::leases {

/// An open regular file, with a position of its own. The history of the process's files follows it,
/// and hears of its changes below a grant that rolls back.
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
        std::int64_t modified_ns = 0;
        bool is_removed = false;  ///< it had no name any more
        Sha256 sample = {};       ///< digest of some of the content; zero where nobody will ask
    };

    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() override;

    static int host_flags_of(DescriptorFlags flags);
    static Answer<std::unique_ptr<Descriptor>> opened(Place place, const OpenRequest& request,
                                                      UniqueFd file, FileHistory* history);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::file; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    void release() override;
    Result<void> reacquire(const Host& host) override;
    Result<void> probe(const Host& host) const override;
    std::vector<Grant> sufficient_grants() const override;
    void relocate(const Relocation& relocation) override;
    Place* place() override;
    void let_go() override;
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
    void begin_tracking(FileHistory* history);
    /// Makes a change to `length` bytes from `offset` on, which the history hears of first.
    template <typename Make>
    Errno change(std::uint64_t offset, std::uint64_t length, Make make);
    Answer<std::size_t> append(std::span<const iovec> buffers);
    Answer<std::size_t> put(std::span<const iovec> buffers, std::uint64_t offset);
    void after_write(const Answer<std::size_t>& count, std::uint64_t end);
    Errno before_change(std::uint64_t offset, std::uint64_t length);
    /// False leaves the reason in errno.
    bool set_host_appending(bool appends);
    Result<void> note_what_is_there(int file);
    /// What lies at the place, if it can be what this was.
    [[nodiscard]] Result<UniqueFd> open_again(const Host& host) const;
    Result<void> expect_as_captured(int file, bool has_rolled_back) const;

    State state_;
    UniqueFd file_;
    FileHistory* history_ = nullptr;
    std::shared_ptr<TrackedFile> tracked_;  ///< while the file is open and its changes are noted
};

}  // namespace sojourn::leases
