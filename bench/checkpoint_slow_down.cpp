#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "bench/checkpoint.hpp"
#include "bench/support/vm.hpp"

namespace sojourn::bench {

namespace {

constexpr const char* kResidentMib = "1024";
constexpr int kWritesASecond = 2621;  // 1 % of the pages

/// Rounds of the guest's loop in a second with a checkpoint or without.
double rounds_a_second(const VmStore& store, RunningVm& vm, bool with_checkpoint) {
    const std::uint64_t begin_ns = now_ns();
    const std::uint64_t rounds = vm.ask_number("rounds");
    if (with_checkpoint) store.run({"checkpoint", "guest"});
    std::this_thread::sleep_until(
        std::chrono::steady_clock::time_point(std::chrono::nanoseconds(begin_ns + 1'000'000'000)));
    const std::uint64_t more = vm.ask_number("rounds") - rounds;
    return static_cast<double>(more) * 1e9 / static_cast<double>(now_ns() - begin_ns);
}

}  // namespace

void measure_slow_down(Report& report, const Options& options) {
    const VmStore store;
    RunningVm vm = store.start({"run", "--name", "guest", guest("commanded"), kResidentMib});
    vm.read_line();
    vm.ask(fmt::format("rate {}", kWritesASecond));
    store.run({"checkpoint", "guest"});

    // Each second with one is compared with the mean of those before and after it.
    std::vector<double> slow_down_percent;
    double before = rounds_a_second(store, vm, false);
    for (int pair = 0; pair < options.repetitions(30, 5); ++pair) {
        const double with_checkpoints = rounds_a_second(store, vm, true);
        const double after = rounds_a_second(store, vm, false);
        slow_down_percent.push_back(100 * (1 - with_checkpoints / ((before + after) / 2)));
        before = after;
    }
    report.add({"slow-down by a checkpoint each second, 1 GiB, 1 % dirty",
                "%",
                figure_of(slow_down_percent),
                {},
                at_most(3)});
}

}  // namespace sojourn::bench
