#pragma once

#include <string>

#include "leases/console.hpp"
#include "leases/descriptor.hpp"

namespace sojourn::leases {

/// A standard stream of the guest: the runner's own, wherever it runs, or a device or pipe of the
/// host by its name. The runner's own are a console and the process's log where it runs detached.
/// Output is not buffered, and waiting can be interrupted.
class Stream final : public Descriptor {
public:
    struct State {
        std::uint32_t number = 0;  ///< 0, 1 or 2
        DescriptorFlags flags = 0;
        std::string path = {};        ///< absolute; empty: the runner's own
        TerminalState terminal = {};  ///< as the guest knows it
        TypedPieces unread = {};      ///< what was typed on an earlier runner's console
    };

    /// Borrows `host`. Errors: those of the log of a detached process.
    static Result<std::unique_ptr<Stream>> open(std::uint32_t number, const Host& host);
    /// The same for what lies at `path`, which is absolute: a File when it is a regular one, with
    /// all that a file has at a resume; else a Stream. Output goes to a new or emptied file.
    /// Errors: those of opening it.
    static Result<std::unique_ptr<Descriptor>> open_at(std::uint32_t number,
                                                       const std::string& path, const Host& host);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    /// The runner's own terminal behind it. Errors: notty when there is none.
    Answer<Terminal*> terminal() const;

    ServiceKind kind() const override { return ServiceKind::stream; }
    std::string description() const override;
    Result<ByteVector> capture() override;
    void release() override;
    Result<void> reacquire(const Host& host) override;
    Result<void> probe(const Host& host) const override;
    std::vector<Grant> sufficient_grants() const override;
    void relocate(const Relocation& relocation) override;

    FileType type() const override;
    DescriptorFlags flags() const override { return state_.flags; }
    Errno set_flags(DescriptorFlags flags) override;
    Answer<FileStatus> status() const override;
    Answer<std::size_t> read(std::span<const iovec> buffers, Waiting waiting) override;
    Answer<std::size_t> write(std::span<const iovec> buffers, Waiting waiting) override;
    Errno sync() override;
    int pollable_fd() const override;
    std::uint64_t readable_bytes() const override;

private:
    explicit Stream(State state) : state_(std::move(state)) {}
    Result<void> connect(const Host& host);
    [[nodiscard]] bool is_detached() const;
    [[nodiscard]] bool is_on_terminal() const;
    Errno wait_until(short events, Waiting waiting);
    Answer<std::size_t> read_now(std::span<const iovec> buffers);

    State state_;
    const Host* host_ = nullptr;
    UniqueFd own_;                     // when the state has a path
    int fd_ = -1;                      // own_, or the runner's, which is never closed here
    std::unique_ptr<Descriptor> log_;  // of output, when detached
};

}  // namespace sojourn::leases
