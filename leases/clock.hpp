#pragma once

#include <optional>

#include "leases/service.hpp"

namespace sojourn::leases {

/// The guest's time. Its monotonic clock starts at zero with the process, goes on from the
/// checkpoint after a resume, and so counts no time suspended.
class ClockService final : public Service {
public:
    struct State {
        std::uint64_t monotonic_ns = 0;  ///< of the guest, at the capture
        std::uint64_t cpu_ns = 0;        ///< used by the process until then, on all its hosts
    };

    /// Borrows the host's clock.
    static std::unique_ptr<ClockService> open(const Host& host);
    static Result<std::unique_ptr<Service>> restore(Bytes state);

    ServiceKind kind() const override { return ServiceKind::clock; }
    std::string description() const override { return "clock"; }
    Result<ByteVector> capture() override;
    void release() override { clock_ = nullptr; }
    Result<void> reacquire(const Host& host) override;

    [[nodiscard]] std::uint64_t monotonic_ns() const;
    [[nodiscard]] std::uint64_t realtime_ns() const;
    [[nodiscard]] std::uint64_t cpu_ns() const;

private:
    explicit ClockService(State state) : state_(state) {}

    State state_;
    const Clock* clock_ = nullptr;
    /// What the host's clocks showed when they showed state_ to the guest. Kept through an expiry:
    /// the guest's time goes on meanwhile.
    struct HostTimes {
        std::uint64_t monotonic_ns = 0;
        std::uint64_t cpu_ns = 0;
    };
    std::optional<HostTimes> host_times_;
};

}  // namespace sojourn::leases
