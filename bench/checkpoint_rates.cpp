#include <fmt/format.h>

#include "bench/checkpoint.hpp"
#include "bench/support/plain_file.hpp"
#include "bench/support/vm.hpp"

namespace sojourn::bench {

namespace {

constexpr const char* kSmallGuestMib = "16";
constexpr int kSmallPages = 4;   // 16 KiB
constexpr int kBigPages = 8192;  // 32 MiB
constexpr int kBigGuestMib = 64;

/// The guest asks for its checkpoints itself: milliseconds from the asking until durable.
std::vector<double> small_checkpoints_ms(const VmStore& store, const std::string& name, int count) {
    RunningVm vm = store.start({"run", "--name", name, guest("commanded"), kSmallGuestMib});
    vm.read_line();
    std::vector<double> took_ms;
    vm.send(fmt::format("checkpoints {} {}", count, kSmallPages));
    for (int i = 0; i < count; ++i)
        took_ms.push_back(static_cast<double>(number_in(vm.read_line())) / 1e6);
    took_ms.erase(took_ms.begin());  // the first one is of everything
    return took_ms;
}

/// Median and 99th percentile of each single one, told as a rate.
Figure rate_of(const std::vector<double>& took_ms) {
    const Figure one = figure_of(took_ms);
    return {1000 / one.value, 1000 / one.p99, one.n};
}

std::vector<double> synced_writes_ms(const VmStore& store, int count) {
    PlainFile file(store.folder() / "plain");
    std::vector<double> took_ms;
    for (int i = 0; i < count; ++i)
        took_ms.push_back(file.append_noise_ms(kSmallPages * 4096));
    return took_ms;
}

}  // namespace

void measure_small_checkpoints(Report& report, const Options& options) {
    const int count = options.repetitions(1000, 200);
    const VmStore store;
    const auto alone_ms = small_checkpoints_ms(store, "alone", count);
    const double plain_ms = median_of(synced_writes_ms(store, count));
    report.add({"durable checkpoints a second, 16 KiB dirty",
                "1/s",
                rate_of(alone_ms),
                {"16 KiB appended to a file, fdatasync", 1000 / plain_ms},
                at_least(500)});

    RunningVm big =
        store.start({"run", "--name", "big", guest("commanded"), std::to_string(kBigGuestMib)});
    big.read_line();
    big.send(fmt::format("checkpoints 4096 {}", kBigPages));
    const std::size_t big_ones = store.log("big").size();
    const auto beside_ms = small_checkpoints_ms(store, "beside", count);
    const std::size_t more_big_ones = store.log("big").size() - big_ones;
    if (more_big_ones == 0) report.note("the big writer wrote nothing meanwhile");
    const double plain_beside_ms = median_of(synced_writes_ms(store, count));
    report.add({"the same, beside a process that writes 32 MiB ones",
                "1/s",
                rate_of(beside_ms),
                {"16 KiB appended to a file, fdatasync", 1000 / plain_beside_ms},
                at_least(100)});
}

void measure_write_rate(Report& report, const Options& options) {
    const int mebibytes = options.quick ? 64 : 256;
    const VmStore store;
    RunningVm vm =
        store.start({"run", "--name", "noisy", guest("commanded"), std::to_string(mebibytes + 16)});
    vm.read_line();
    store.run({"checkpoint", "noisy"});
    PlainFile plain(store.folder() / "plain");
    std::vector<double> rates;
    std::vector<double> plain_rates;
    std::vector<double> ratios;
    for (int round = 0; round < options.repetitions(7, 3); ++round) {
        vm.ask(fmt::format("noise {}", mebibytes * 256));
        store.run({"checkpoint", "noisy"});
        const double durable_s = store.log("noisy").back()["durable_us"].get<double>() / 1e6;
        const double plain_s = plain.overwrite_ms(static_cast<std::size_t>(mebibytes) << 20U) / 1e3;
        rates.push_back(mebibytes / durable_s);
        plain_rates.push_back(mebibytes / plain_s);
        ratios.push_back(rates.back() / plain_rates.back());
    }
    const Peer plain_file{"plain file, fdatasync", median_of(plain_rates)};
    report.add({fmt::format("durable write rate, {} MiB of noise", mebibytes), "MiB/s",
                figure_of(rates), plain_file});
    report.add({"durable write rate over that of a plain file",
                "ratio",
                figure_of(ratios),
                {},
                at_least(0.8)});
}

void measure_idle_growth(Report& report, const Options& options) {
    const VmStore store;
    RunningVm vm = store.start({"run", "--name", "idle", guest("commanded"), "64"});
    vm.read_line();
    store.run({"checkpoint", "idle"});
    std::vector<double> growth_kib;
    auto before = static_cast<double>(store.bytes_on_disk());
    const double at_start = before;
    for (int round = 0; round < options.repetitions(50, 10); ++round) {
        store.run({"checkpoint", "idle"});
        const auto after = static_cast<double>(store.bytes_on_disk());
        growth_kib.push_back((after - before) / 1024);
        before = after;
    }
    Figure growth = figure_of(growth_kib);
    // A database grows in steps: the mean is what a checkpoint costs.
    growth.value = (before - at_start) / 1024 / static_cast<double>(growth.n);
    report.add(
        {"growth of the store by an idle checkpoint (mean)", "KiB", growth, {}, at_most(64)});
}

}  // namespace sojourn::bench
