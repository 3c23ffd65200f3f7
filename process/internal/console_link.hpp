#pragma once

#include <optional>
#include <string>

#include "leases/console.hpp"

namespace sojourn::process {

/// One client's hold on a console: what his messages do to it, and what it has to tell him. What
/// the console has no room for waits here, and so does all behind it. Borrows the console.
class ConsoleLink {
public:
    explicit ConsoleLink(leases::Console& console)
        : console_(console), told_(console.state().mode) {}

    /// What the client was told with the answer.
    [[nodiscard]] leases::TerminalMode told() const { return told_; }

    /// Performs the whole lines of `received`, as far as there is room, and takes them away. False
    /// when one is nonsense or too long.
    bool perform(std::string& received);
    /// Whether it can take more.
    [[nodiscard]] bool has_room() const { return !waiting_; }

    /// A line for the client, if there is something that he was not told.
    std::optional<std::string> news();

private:
    leases::Console& console_;
    leases::TerminalMode told_;
    std::optional<std::string> waiting_;  ///< typed, and not yet taken by the console
};

}  // namespace sojourn::process
