#include <fstream>
#include <numeric>
#include <optional>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "bench/support/report.hpp"
#include "bench/support/vm.hpp"
#include "tests/support/host_process.hpp"

/// How soon does a resumed process act, and how soon is it as fast as before? What does one cost
/// that only waits?
namespace sojourn::bench {

namespace {

constexpr const char* kPrefetchOption = "--prefetch";
constexpr int kGibibyte = 1024;  // in MiB
constexpr int kHotMib = 256;
constexpr int kWorkSeconds = 4;

/// Whether the kernel's copies of files could be dropped, which takes root.
bool drop_file_caches() {
    ::sync();
    std::ofstream file("/proc/sys/vm/drop_caches");
    file << "3" << std::flush;
    return file.good();
}

/// A process that crashed right after its only checkpoint: each resume starts from there.
class Crashed {
public:
    explicit Crashed(int resident_mib, int hot_mib) {
        RunningVm vm =
            store_.start({"run", "--name", "guest", guest("restored"), std::to_string(resident_mib),
                          std::to_string(hot_mib), std::to_string(kWorkSeconds)});
        vm.read_line();
    }

    [[nodiscard]] RunningVm resume(const std::vector<std::string>& options = {}) const {
        std::vector<std::string> command = {"resume", "guest"};
        command.insert(command.end(), options.begin(), options.end());
        return store_.start(command);
    }

    /// Milliseconds from the start of `vm resume` until the guest is heard.
    double first_action_ms() const {
        RunningVm vm = resume();
        vm.read_line();
        return static_cast<double>(now_ns() - vm.started_at_ns()) / 1e6;
    }

private:
    VmStore store_;
};

void measure_first_action(Report& report, const Options& options, const Crashed& process) {
    std::vector<double> warm_ms;
    process.first_action_ms();
    for (int i = 0; i < options.repetitions(50, 10); ++i)
        warm_ms.push_back(process.first_action_ms());
    report.add(
        {"restore of 1 GiB to the first action, warm", "ms", figure_of(warm_ms), {}, at_most(10)});

    std::vector<double> cold_ms;
    for (int i = 0; i < options.repetitions(7, 3); ++i) {
        if (!drop_file_caches()) return report.note("no cold row: dropping caches takes root");
        cold_ms.push_back(process.first_action_ms());
    }
    report.add({"restore of 1 GiB to the first action, cold", "ms", figure_of(cold_ms)});
}

/// Milliseconds from the guest's first action until its speed, over 50 ms, has come to 95 % of what
/// it is in the last second.
double full_speed_ms(RunningVm& vm) {
    constexpr std::ptrdiff_t kWindowMs = 50;
    vm.read_line();
    std::vector<double> pages;
    for (int i = 0; i < kWorkSeconds * 1000; ++i)
        pages.push_back(static_cast<double>(number_in(vm.read_line())));
    const double full = std::accumulate(pages.end() - 1000, pages.end(), 0.0) / 1000 * kWindowMs;
    for (auto begin = pages.begin(); begin + kWindowMs <= pages.end(); ++begin) {
        if (std::accumulate(begin, begin + kWindowMs, 0.0) >= 0.95 * full)
            return static_cast<double>(begin - pages.begin());
    }
    return static_cast<double>(pages.size());
}

void measure_full_speed(Report& report, const Options& options, const Crashed& process) {
    std::vector<std::pair<std::string, std::vector<std::string>>> ways = {{"", {}}};
    if (takes_option("resume", kPrefetchOption)) {
        ways = {{", prefetched", {fmt::format("{}=on", kPrefetchOption)}},
                {", without prefetch", {fmt::format("{}=off", kPrefetchOption)}}};
    } else {
        report.note("no rows with and without prefetch: vm resume takes no --prefetch");
    }
    for (const auto& [suffix, way] : ways) {
        std::vector<double> took_ms;
        for (int i = 0; i < options.repetitions(5, 2); ++i) {
            RunningVm vm = process.resume(way);
            took_ms.push_back(full_speed_ms(vm));
        }
        report.add({fmt::format("1 GiB to 95 % of full speed, {} MiB hot{}", kHotMib, suffix), "ms",
                    figure_of(took_ms)});
    }
}

/// What a process that waits for a line takes of the host.
void measure_blocked(Report& report, const Options& options, bool with_checkpoint) {
    const VmStore store;
    RunningVm vm = store.start({"run", "--name", "blocked", guest("blocked"), "64"});
    vm.read_line();
    if (with_checkpoint) store.run({"checkpoint", "blocked"});
    std::this_thread::sleep_for(std::chrono::milliseconds(500));

    const std::uint64_t switches = tests::voluntary_switches(vm.pid());
    const int seconds = options.repetitions(5, 2);
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const auto wake_ups = static_cast<double>(tests::voluntary_switches(vm.pid()) - switches);
    const auto beyond = static_cast<double>(tests::anonymous_bytes(vm.pid()) -
                                            tests::anonymous_guest_bytes(vm.pid()));
    const char* when = with_checkpoint ? "after a checkpoint" : "before a checkpoint";
    report.add({fmt::format("blocked: RssAnon beyond the cache, {}", when),
                "MiB",
                figure_of({beyond / 1048576}),
                {},
                at_most(2)});
    report.add({fmt::format("blocked: wake-ups in {} s, {}", seconds, when),
                "wake-ups",
                figure_of({wake_ups}),
                {},
                at_most(0)});
}

void measure(Report& report, const Options& options) {
    const Crashed process(kGibibyte, kHotMib);
    measure_first_action(report, options, process);
    measure_full_speed(report, options, process);
    measure_blocked(report, options, false);
    measure_blocked(report, options, true);
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(argument_count, arguments,
                                         "How soon does a resumed process act, and at full speed?",
                                         sojourn::bench::measure);
}
