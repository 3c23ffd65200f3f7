#pragma once

#include <memory>
#include <optional>
#include <span>
#include <termios.h>

#include "leases/terminal.hpp"

namespace sojourn::leases {

/// The terminal that this host process was started on. Its mode is put back as it was found when
/// this goes, when a signal ends the process, and while it is stopped; when it goes on, in the
/// foreground, the guest has its mode again.
///
/// One a host process, since signals find it. A terminal is left alone while the process is in the
/// background.
class OwnTerminal final : public Terminal {
public:
    /// The first of `streams` that is a terminal; nullptr: none is. `end_of_line`: a key that ends
    /// a line in cooked mode besides the usual one.
    static std::unique_ptr<OwnTerminal> find(std::span<const int> streams,
                                             std::optional<char> end_of_line = {});
    OwnTerminal(const OwnTerminal&) = delete;
    OwnTerminal& operator=(const OwnTerminal&) = delete;
    ~OwnTerminal() override;

    TerminalState state() const override;
    Errno set_mode(TerminalMode mode) override;

private:
    OwnTerminal(int fd, std::optional<char> end_of_line) : fd_(fd), end_of_line_(end_of_line) {}
    void adopt(const TerminalState& known) override;
    [[nodiscard]] termios settings_for(TerminalMode mode, const termios& found) const;

    int fd_;
    std::optional<char> end_of_line_;
    TerminalMode mode_ = TerminalMode::cooked;
    std::optional<termios> found_;  ///< before the first change of ours
};

}  // namespace sojourn::leases
