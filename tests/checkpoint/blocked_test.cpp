#include <iostream>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/host_process.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

struct Blocking {
    const char* guest;
    const char* argument;  ///< nullptr: none
    const char* said_before;
};

}  // namespace

TEST_CASE("a process that sleeps, polls or reads takes 2 MiB beyond its cache and never wakes",
          "[checkpoint]") {
    const Blocking blocking =
        GENERATE(Blocking{"sleeper", "600000", "asleep"}, Blocking{"reader", "poll", "waiting"},
                 Blocking{"reader", nullptr, "waiting"});
    const auto program = guest(blocking.guest);
    if (!program) return;
    const ProcessFixture fixture;
    const InputPipe input;
    VmOptions options = fixture.options();
    options.standard_input = input.reader();
    std::vector<std::string> command{"run", "--name", "blocked", *program};
    if (blocking.argument != nullptr) command.emplace_back(blocking.argument);
    const VmProcess process(command, options);
    await_output(process, blocking.said_before);

    std::this_thread::sleep_for(std::chrono::milliseconds(200));  // until it has blocked
    const std::uint64_t switches = voluntary_switches(process.pid());
    std::this_thread::sleep_for(std::chrono::seconds(2));

    CAPTURE(blocking.guest, anonymous_bytes(process.pid()), anonymous_guest_bytes(process.pid()));
    CHECK(switches > 0);
    CHECK(voluntary_switches(process.pid()) - switches <= 3);
    CHECK(anonymous_guest_bytes(process.pid()) > 0);
    CHECK(anonymous_bytes(process.pid()) - anonymous_guest_bytes(process.pid()) <= 2 * kMiB);
}
