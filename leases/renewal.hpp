#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "leases/deadlines.hpp"

namespace sojourn::leases {

/// Renews what is held for a time, on a thread of its own, as long as the holder runs. Who was
/// paused for longer than a lease lasts finds it overdue afterwards, and it is not renewed.
///
/// Sleeps from one renewal to the next, by a clock that goes on while the host is suspended.
/// Borrows the deadlines and the clock.
class Renewal {
public:
    /// `on_overdue` is called from the thread when leases have run out.
    static Result<std::unique_ptr<Renewal>> start(Deadlines& deadlines, const Clock& clock,
                                                  std::function<void()> on_overdue);
    Renewal(const Renewal&) = delete;
    Renewal& operator=(const Renewal&) = delete;
    /// Waits for a call that is under way.
    ~Renewal();

    /// The next renewal may be due earlier than it was. Usable from any thread.
    void look_again();

private:
    Renewal(Deadlines& deadlines, const Clock& clock, std::function<void()> on_overdue)
        : deadlines_(deadlines), clock_(clock), on_overdue_(std::move(on_overdue)) {}
    void serve();
    void sleep_until(std::optional<std::uint64_t> moment_ns);

    Deadlines& deadlines_;
    const Clock& clock_;
    std::function<void()> on_overdue_;
    UniqueFd timer_;
    UniqueFd wake_;
    std::atomic<bool> is_stopping_ = false;
    std::thread thread_;
};

}  // namespace sojourn::leases
