#include "leases/clock.hpp"

namespace sojourn::leases {

namespace {

// Far beyond any process, and far enough from the end that adding never wraps.
constexpr std::uint64_t kTimeMaxNs = std::uint64_t{1} << 62U;

}  // namespace

std::unique_ptr<ClockService> ClockService::open(const Host& host) {
    std::unique_ptr<ClockService> service(new ClockService({}));
    const auto reacquired = service->reacquire(host);
    INVARIANT(reacquired.ok(), "every host has clocks");
    return service;
}

Result<ByteVector> ClockService::capture() {
    if (clock_ != nullptr) {
        state_ = {.monotonic_ns = monotonic_ns(), .cpu_ns = cpu_ns()};
        host_times_ = {clock_->monotonic_ns(), clock_->process_cpu_ns()};
    }
    ByteWriter writer;
    writer.put(state_.monotonic_ns);
    writer.put(state_.cpu_ns);
    return writer.take();
}

Result<std::unique_ptr<Service>> ClockService::restore(Bytes state) {
    ByteReader reader(state, "the state of a clock lease");
    State restored;
    restored.monotonic_ns = TRY(reader.get<std::uint64_t>());
    restored.cpu_ns = TRY(reader.get<std::uint64_t>());
    TRY(reader.expect_end());
    if (restored.monotonic_ns > kTimeMaxNs || restored.cpu_ns > kTimeMaxNs)
        return fail(ErrorCode::corrupt, "a saved clock shows {} ns", restored.monotonic_ns);
    return std::unique_ptr<Service>(new ClockService(restored));
}

Result<void> ClockService::reacquire(const Host& host) {
    clock_ = &host.clock;
    if (!host_times_) host_times_ = {clock_->monotonic_ns(), clock_->process_cpu_ns()};
    return {};
}

std::uint64_t ClockService::monotonic_ns() const {
    return state_.monotonic_ns + (clock_->monotonic_ns() - host_times_->monotonic_ns);
}

std::uint64_t ClockService::realtime_ns() const {
    return clock_->realtime_ns();
}

std::uint64_t ClockService::cpu_ns() const {
    return state_.cpu_ns + (clock_->process_cpu_ns() - host_times_->cpu_ns);
}

}  // namespace sojourn::leases
