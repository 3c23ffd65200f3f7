#pragma once

#include <cstdint>

#include "leases/service.hpp"

namespace sojourn::leases {

/// What a terminal does with what is typed. The numbers are on disk.
enum class TerminalMode : std::uint8_t {
    cooked = 0,  ///< whole lines, shown and edited by the terminal, with its keys for signals
    raw = 1,     ///< each byte at once and as it is, unseen; output is treated as before
};

struct WindowSize {
    std::uint16_t columns = 80;
    std::uint16_t rows = 24;

    bool operator==(const WindowSize&) const = default;
};

struct TerminalState {
    TerminalMode mode = TerminalMode::cooked;
    WindowSize size = {};

    bool operator==(const TerminalState&) const = default;
};

/// The terminal behind the standard streams of a guest. It belongs to the runner and outlives the
/// streams' leases: what a checkpoint knew of it counts once, when the process goes on here.
class Terminal {
public:
    virtual ~Terminal() = default;

    /// The guest goes on with a terminal as it knew it. Only the first call of a life does
    /// anything.
    void begin(const TerminalState& known) {
        if (!has_begun_) adopt(known);
        has_begun_ = true;
    }

    virtual TerminalState state() const = 0;
    virtual Errno set_mode(TerminalMode mode) = 0;

private:
    virtual void adopt(const TerminalState& known) = 0;

    bool has_begun_ = false;
};

}  // namespace sojourn::leases
