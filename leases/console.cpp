#include "leases/console.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/eventfd.h>

namespace sojourn::leases {

std::size_t take_typed(TypedPieces& pieces, std::span<const iovec> buffers) {
    EXPECTS(!pieces.empty(), "there is something to read");
    std::string& oldest = pieces.front();
    std::size_t taken = 0;
    for (const iovec& buffer : buffers) {
        const std::size_t length = std::min(buffer.iov_len, oldest.size() - taken);
        if (length > 0) std::memcpy(buffer.iov_base, oldest.data() + taken, length);
        taken += length;
    }
    const bool had_room =
        std::ranges::any_of(buffers, [](const iovec& buffer) { return buffer.iov_len > 0; });
    if (taken == oldest.size() && had_room) {
        pieces.pop_front();
    } else {
        oldest.erase(0, taken);
    }
    return taken;
}

Result<std::unique_ptr<Console>> Console::create() {
    auto console = std::make_unique<Console>();
    console->readable_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!console->readable_.valid()) return fail_errno(errno, "cannot make an event");
    return console;
}

void Console::begin_input(TypedPieces unread) {
    const std::lock_guard guard(mutex_);
    if (has_begun_input_) return;
    has_begun_input_ = true;
    for (const std::string& piece : unread)
        unread_bytes_ += piece.size();
    pieces_.insert(pieces_.begin(), std::make_move_iterator(unread.begin()),
                   std::make_move_iterator(unread.end()));
    note_readable();
}

TypedPieces Console::unread() const {
    const std::lock_guard guard(mutex_);
    return pieces_;
}

std::uint64_t Console::readable_bytes() const {
    const std::lock_guard guard(mutex_);
    return pieces_.empty() ? 0 : pieces_.front().size();
}

Answer<std::size_t> Console::read(std::span<const iovec> buffers) {
    std::size_t taken = 0;
    {
        const std::lock_guard guard(mutex_);
        if (pieces_.empty()) return Errno::again;
        taken = take_typed(pieces_, buffers);
        unread_bytes_ -= taken;
        note_readable();
    }
    tell_observer();
    return taken;
}

TerminalState Console::state() const {
    const std::lock_guard guard(mutex_);
    return state_;
}

Errno Console::set_mode(TerminalMode mode) {
    {
        const std::lock_guard guard(mutex_);
        state_.mode = mode;
    }
    tell_observer();
    return Errno::success;
}

bool Console::type(std::string piece) {
    const std::lock_guard guard(mutex_);
    const bool has_room = piece.size() <= kUnreadMax - unread_bytes_ && pieces_.size() < kUnreadMax;
    if (!has_room) return false;
    unread_bytes_ += piece.size();
    pieces_.push_back(std::move(piece));
    note_readable();
    return true;
}

void Console::resize(WindowSize size) {
    const std::lock_guard guard(mutex_);
    state_.size = size;
}

void Console::observe(std::function<void()> observer) {
    const std::lock_guard guard(observer_mutex_);
    observer_ = std::move(observer);
}

void Console::adopt(const TerminalState& known) {
    const std::lock_guard guard(mutex_);
    state_ = known;
}

void Console::note_readable() const {
    eventfd_t ignored = 0;
    if (pieces_.empty()) {
        ::eventfd_read(readable_.get(), &ignored);
    } else {
        ::eventfd_write(readable_.get(), 1);
    }
}

void Console::tell_observer() {
    const std::lock_guard guard(observer_mutex_);
    if (observer_) observer_();
}

}  // namespace sojourn::leases
