#include "base/clock.hpp"

#include <time.h>

#include <fmt/format.h>

namespace sojourn {

namespace {

std::uint64_t read_clock(clockid_t id) {
    timespec now{};
    ::clock_gettime(id, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t SystemClock::monotonic_ns() const {
    return read_clock(CLOCK_MONOTONIC);
}
std::uint64_t SystemClock::boottime_ns() const {
    return read_clock(CLOCK_BOOTTIME);
}
std::uint64_t SystemClock::realtime_ns() const {
    return read_clock(CLOCK_REALTIME);
}
std::uint64_t SystemClock::process_cpu_ns() const {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

std::string rfc3339(std::uint64_t realtime_us) {
    const auto seconds = static_cast<time_t>(realtime_us / 1'000'000U);
    tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                       realtime_us % 1'000'000U);
}

}  // namespace sojourn
