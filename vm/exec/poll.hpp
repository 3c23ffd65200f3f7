#pragma once

#include <atomic>
#include <cstdint>

#include "vm/machine.hpp"

namespace sojourn::vm {

/// Counts the safepoints a thread comes to and decides at which of them it pauses. The guest's
/// thread asks; request_pause() and clear_pause() may come from any thread.
class Poll {
public:
    /// At each safepoint. True: ask pauses_here().
    bool arrive() {
        ++safepoints_;
        return reasons_.load(std::memory_order_relaxed) != 0;
    }

    /// Requires: arrive() has returned true.
    bool pauses_here() {
        if (is_passing_) {
            pass(false);
            --safepoints_;
            return false;
        }
        if (is_out_of_fuel()) return true;
        const auto reasons = reasons_.load(std::memory_order_relaxed);
        return (reasons & kRequested) != 0 ||
               ((reasons & kPeriodic) != 0 && safepoints_ - last_pause_ >= period_);
    }

    /// A pause has happened at the safepoint just counted: run() will arrive at it again, and it
    /// neither counts nor pauses there twice.
    void paused() {
        last_pause_ = safepoints_;
        pass(true);
    }

    void pass(bool is_passing) {
        is_passing_ = is_passing;
        set(kPassing, is_passing);
    }

    void request_pause() { set(kRequested, true); }
    void clear_pause() { set(kRequested, false); }

    void pause_every(std::uint64_t safepoints) {
        period_ = safepoints;
        last_pause_ = safepoints_;
        set(kPeriodic, safepoints != 0);
    }

    /// How many safepoints the thread may pass altogether; it pauses at the next for good.
    void set_fuel(std::uint64_t safepoints) {
        fuel_ = safepoints;
        set(kFueled, safepoints != kUnlimitedFuel);
    }
    [[nodiscard]] std::uint64_t fuel() const { return fuel_; }
    [[nodiscard]] bool is_out_of_fuel() const { return safepoints_ > fuel_; }

    [[nodiscard]] std::uint64_t safepoints() const { return safepoints_; }
    /// Compiled code arrives by itself: it counts there, and looks here whether any bit is set.
    std::uint64_t* count_address() { return &safepoints_; }
    const std::atomic<std::uint32_t>* reasons_address() const { return &reasons_; }
    void restore(std::uint64_t safepoints) { safepoints_ = last_pause_ = safepoints; }

private:
    static constexpr std::uint32_t kRequested = 1;
    static constexpr std::uint32_t kPeriodic = 2;
    static constexpr std::uint32_t kPassing = 4;
    static constexpr std::uint32_t kFueled = 8;

    void set(std::uint32_t reason, bool is_set) {
        if (is_set) {
            reasons_.fetch_or(reason, std::memory_order_relaxed);
        } else {
            reasons_.fetch_and(~reason, std::memory_order_relaxed);
        }
    }

    std::uint64_t safepoints_ = 0;
    std::atomic<std::uint32_t> reasons_ = 0;
    bool is_passing_ = false;
    std::uint64_t period_ = 0;
    std::uint64_t last_pause_ = 0;
    std::uint64_t fuel_ = kUnlimitedFuel;
};

}  // namespace sojourn::vm
