#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/uio.h>

#include "leases/host_directory.hpp"
#include "leases/manager.hpp"
#include "tests/support/temporary_folder.hpp"

namespace sojourn::test {

using tests::TemporaryFolder;

/// A clock whose hands a test turns.
struct ManualClock final : Clock {
    std::uint64_t monotonic = 5'000;
    std::uint64_t realtime = 1'700'000'000'000'000'000;
    std::uint64_t cpu = 300;
    std::uint64_t suspended = 0;  ///< of the host, so far

    std::uint64_t monotonic_ns() const override { return monotonic; }
    std::uint64_t boottime_ns() const override { return monotonic + suspended; }
    std::uint64_t realtime_ns() const override { return realtime; }
    std::uint64_t process_cpu_ns() const override { return cpu; }
};

struct HostFixture {
    ManualClock clock;
    SystemRandom random;
    std::unique_ptr<leases::Interrupt> interrupt = *leases::Interrupt::create();
    leases::Host host{.clock = clock, .random = random, .interrupt = *interrupt};
};

inline std::unique_ptr<leases::HostDirectory> granted(const TemporaryFolder& folder,
                                                      bool is_read_only = false) {
    return *leases::HostDirectory::grant(
        {.grant = folder.name(), .path = {}, .is_read_only = is_read_only}, "/data", nullptr);
}

inline iovec buffer_of(std::string& text) {
    return {.iov_base = text.data(), .iov_len = text.size()};
}

inline leases::Errno write_text(leases::Descriptor& descriptor, std::string text) {
    const iovec buffer = buffer_of(text);
    auto count = descriptor.write({&buffer, 1}, leases::Waiting::allowed);
    if (!count.ok()) return count.error();
    return *count == text.size() ? leases::Errno::success : leases::Errno::nospc;
}

inline leases::Answer<std::string> read_text(leases::Descriptor& descriptor,
                                             std::size_t length = 100) {
    std::string text(length, '\0');
    const iovec buffer = buffer_of(text);
    auto count = descriptor.read({&buffer, 1}, leases::Waiting::allowed);
    if (!count.ok()) return count.error();
    text.resize(*count);
    return text;
}

}  // namespace sojourn::test
