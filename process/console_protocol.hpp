#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "leases/terminal.hpp"

/// What is said on a runner's socket once a client is attached to the console: lines of JSON, in
/// both directions, until either side closes (docs/formats/control.md).
namespace sojourn::process {

/// What the client says.
struct ConsoleMessage {
    std::optional<std::string> input = {};  ///< what was typed; empty: an end of input
    std::optional<leases::WindowSize> window = {};
};

/// Most of what is typed in one message.
inline constexpr std::size_t kTypedBytesMax = 16U << 10U;

/// Each line ends in a newline. Parsing trusts nothing. Errors: invalid_argument.
std::string encode_console_message(const ConsoleMessage& message);
Result<ConsoleMessage> parse_console_message(std::string_view line);

/// What the runner says: what the guest wants the client's terminal to do from now on.
std::string encode_mode(leases::TerminalMode mode);
Result<leases::TerminalMode> parse_mode(std::string_view line);

std::string_view text_of(leases::TerminalMode mode);
std::optional<leases::TerminalMode> mode_named(std::string_view text);

/// nullopt when it is the size of no window.
std::optional<leases::WindowSize> window_of(std::uint64_t columns, std::uint64_t rows);

}  // namespace sojourn::process
