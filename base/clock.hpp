#pragma once

#include <cstdint>
#include <string>

namespace sojourn {

/// The host's clocks, as a parameter so that a test can turn the hands.
class Clock {
public:
    virtual ~Clock() = default;

    /// Nanoseconds since some moment; never runs backwards while the host is up.
    virtual std::uint64_t monotonic_ns() const = 0;
    /// The same, but it goes on while the host is suspended: for what others count as well.
    virtual std::uint64_t boottime_ns() const = 0;
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    virtual std::uint64_t realtime_ns() const = 0;
    /// CPU time of this host process.
    virtual std::uint64_t process_cpu_ns() const = 0;
};

/// The real thing. Stateless; usable from any thread.
class SystemClock final : public Clock {
public:
    std::uint64_t monotonic_ns() const override;
    std::uint64_t boottime_ns() const override;
    std::uint64_t realtime_ns() const override;
    std::uint64_t process_cpu_ns() const override;
};

/// `2026-11-21T20:15:07.123456Z` (RFC 3339, UTC).
std::string rfc3339(std::uint64_t realtime_us);

}  // namespace sojourn
