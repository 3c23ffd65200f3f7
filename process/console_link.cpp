#include "process/internal/console_link.hpp"

#include "process/console_protocol.hpp"
#include "process/control_protocol.hpp"

namespace sojourn::process {

bool ConsoleLink::perform(std::string& received) {
    for (;;) {
        if (waiting_ && !console_.type(*waiting_)) return true;
        waiting_.reset();
        const auto newline = received.find('\n');
        if (newline == std::string::npos) return received.size() <= kControlLineBytesMax;
        auto message = parse_console_message(std::string_view(received).substr(0, newline));
        if (!message.ok()) return false;
        received.erase(0, newline + 1);
        if (message->window) console_.resize(*message->window);
        waiting_ = std::move(message->input);
    }
}

std::optional<std::string> ConsoleLink::news() {
    const leases::TerminalMode mode = console_.state().mode;
    if (mode == told_) return std::nullopt;
    told_ = mode;
    return encode_mode(mode);
}

}  // namespace sojourn::process
