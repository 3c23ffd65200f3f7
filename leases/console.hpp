#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <sys/uio.h>

#include "leases/terminal.hpp"

namespace sojourn::leases {

/// What is typed to a guest and not yet read, in the order in which it came. An empty piece is an
/// end of input, which is read once, as on a terminal.
using TypedPieces = std::deque<std::string>;

/// The terminal of a process that nobody's terminal is behind: whoever is attached types into it,
/// and gives it the size of his window. What the guest says goes into the process's log, past this.
///
/// The guest's thread reads; who is attached is another one.
class Console final : public Terminal {
public:
    /// At most this is kept unread, in bytes and in pieces.
    static constexpr std::size_t kUnreadMax = 65'536;

    static Result<std::unique_ptr<Console>> create();

    // For the streams of the guest.

    /// What a checkpoint held unread comes before all that is typed. Only the first call of a life
    /// does anything.
    void begin_input(TypedPieces unread);
    [[nodiscard]] TypedPieces unread() const;
    [[nodiscard]] std::uint64_t readable_bytes() const;
    /// Readable while there is something to read, an end of input included: for poll(2).
    [[nodiscard]] int readable_fd() const { return readable_.get(); }
    /// What is left of the oldest piece, as far as it fits; 0: an end of input. Errors: again.
    Answer<std::size_t> read(std::span<const iovec> buffers);

    TerminalState state() const override;
    Errno set_mode(TerminalMode mode) override;

    // For whoever is attached.

    /// False, and nothing has happened, while there is no room for it.
    bool type(std::string piece);
    void resize(WindowSize size);
    /// `observer` is called, on the guest's thread, when the mode has changed or there is room
    /// again. Before it is replaced or taken away by {}, its last call has ended.
    void observe(std::function<void()> observer);

private:
    void adopt(const TerminalState& known) override;
    void note_readable() const;
    void tell_observer();

    mutable std::mutex mutex_;  ///< guards what follows
    TypedPieces pieces_;
    std::size_t unread_bytes_ = 0;
    bool has_begun_input_ = false;
    TerminalState state_;

    UniqueFd readable_;
    std::mutex observer_mutex_;
    std::function<void()> observer_;
};

/// Takes from the front of `pieces` as Console::read() does. Requires: there is one.
std::size_t take_typed(TypedPieces& pieces, std::span<const iovec> buffers);

}  // namespace sojourn::leases
