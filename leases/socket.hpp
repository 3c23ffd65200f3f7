#pragma once

#include <string>

#include "leases/descriptor.hpp"

namespace sojourn::leases {

/// HOST:PORT as a listener's recipe and `vm leases` have it: numeric. Resolves names.
/// Errors: invalid_argument.
Result<std::string> numeric_address(const std::string& text);

/// A TCP socket that listens on an address of the host. After a resume it is bound again; whoever
/// was waiting to be accepted has been refused.
class Listener final : public Descriptor {
public:
    struct State {
        std::string address;  ///< numeric: 127.0.0.1:8080 or [::1]:8080
        DescriptorFlags flags = 0;
    };

    /// Binds HOST:PORT, with a host in brackets if it has colons, and listens. Port 0 takes a free
    /// one, which the trace `leases.listening` tells. Borrows `host`.
    /// Errors: invalid_argument, io, permission_denied, with the address.
    static Result<std::unique_ptr<Listener>> open(const std::string& address, const Host& host);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::listener; }
    std::string description() const override { return "listening on " + state_.address; }
    Result<ByteVector> capture() override;
    void release() override { socket_ = UniqueFd(); }
    Result<void> reacquire(const Host& host) override;
    Result<void> probe(const Host& host) const override;
    std::vector<Grant> sufficient_grants() const override {
        return {{Grant::Kind::address, state_.address, false}};
    }
    void relocate(const Relocation& relocation) override;

    /// As bound: with the port that was taken.
    [[nodiscard]] const std::string& address() const { return state_.address; }

    FileType type() const override { return FileType::socket_stream; }
    DescriptorFlags flags() const override { return state_.flags; }
    Errno set_flags(DescriptorFlags flags) override;
    Answer<FileStatus> status() const override;
    Answer<std::size_t> read(std::span<const iovec>, Waiting) override { return Errno::notconn; }
    Answer<std::unique_ptr<Descriptor>> accept(DescriptorFlags flags) override;
    Answer<std::size_t> receive(std::span<const iovec>, Receive, Waiting) override {
        return Errno::notconn;
    }
    Errno shut_down(Direction) override { return Errno::notconn; }
    int pollable_fd() const override { return socket_.get(); }

private:
    explicit Listener(State state) : state_(std::move(state)) {}

    State state_;
    const Host* host_ = nullptr;
    UniqueFd socket_;
};

/// One TCP connection that was accepted. It does not outlive its host process: given back before
/// its guest closes it, it is reset, so that the peer does not take that for the end; the guest
/// sees connreset from then on.
class Connection final : public Descriptor {
public:
    struct State {
        std::string peer;  ///< for people
        DescriptorFlags flags = 0;
    };

    /// Borrows `host`.
    Connection(State state, UniqueFd socket, const Host& host)
        : state_(std::move(state)), host_(&host), socket_(std::move(socket)) {}
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::connection; }
    std::string description() const override { return "connection from " + state_.peer; }
    Result<ByteVector> capture() override;
    void release() override;
    Result<void> reacquire(const Host& host) override;
    Result<void> probe(const Host& host) const override;

    FileType type() const override { return FileType::socket_stream; }
    DescriptorFlags flags() const override { return state_.flags; }
    Errno set_flags(DescriptorFlags flags) override;
    Answer<FileStatus> status() const override;
    Answer<std::size_t> read(std::span<const iovec> buffers, Waiting waiting) override {
        return receive(buffers, Receive::consume, waiting);
    }
    Answer<std::size_t> write(std::span<const iovec> buffers, Waiting waiting) override;
    Answer<std::size_t> receive(std::span<const iovec> buffers, Receive how,
                                Waiting waiting) override;
    Errno shut_down(Direction direction) override;
    int pollable_fd() const override { return socket_.get(); }
    std::uint64_t readable_bytes() const override;

private:
    explicit Connection(State state) : state_(std::move(state)) {}
    [[nodiscard]] bool may_wait(Waiting waiting) const {
        return waiting == Waiting::allowed && (state_.flags & kNonBlocking) == 0;
    }

    State state_;
    const Host* host_ = nullptr;
    UniqueFd socket_;
};

}  // namespace sojourn::leases
