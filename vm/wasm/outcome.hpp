#pragma once

#include "base/check.hpp"
#include "vm/trap.hpp"

namespace sojourn::vm {

/// What an instruction that can trap comes to: a value or a Trap.
template <typename T>
class [[nodiscard]] Outcome {
public:
    constexpr Outcome(T value) : value_(value), has_value_(true) {}
    constexpr Outcome(Trap trap) : trap_(trap) {}

    [[nodiscard]] constexpr bool ok() const { return has_value_; }

    /// Requires: ok().
    [[nodiscard]] constexpr T value() const {
        EXPECTS(has_value_, "a value is read only from an outcome that has one");
        return value_;
    }
    /// Requires: !ok().
    [[nodiscard]] constexpr Trap trap() const {
        EXPECTS(!has_value_, "a trap is read only from an outcome that trapped");
        return trap_;
    }

    friend constexpr bool operator==(const Outcome& outcome, T value) {
        return outcome.has_value_ && outcome.value_ == value;
    }
    friend constexpr bool operator==(const Outcome& outcome, Trap trap) {
        return !outcome.has_value_ && outcome.trap_ == trap;
    }

private:
    T value_{};
    Trap trap_{};
    bool has_value_ = false;
};

}  // namespace sojourn::vm
