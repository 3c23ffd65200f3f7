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

/// A guest that asks for its checkpoints itself, and a file that is written in turns with it.
class SmallWrites {
public:
    SmallWrites(const VmStore& store, const std::string& name)
        : vm_(store.start({"run", "--name", name, guest("commanded"), kSmallGuestMib})),
          plain_(store.folder() / name) {
        vm_.read_line();
        checkpoints_a_second(1);  // the first one is of everything
    }

    void measure(int batches) {
        constexpr int kBatch = 100;
        for (int batch = 0; batch < batches; ++batch) {
            checkpoints_.push_back(checkpoints_a_second(kBatch));
            writes_.push_back(writes_a_second(kBatch));
        }
    }

    [[nodiscard]] Row row(const std::string& name, double target) const {
        return {name,
                "1/s",
                figure_of(checkpoints_, Better::higher),
                {"16 KiB appended, fdatasync", median_of(writes_)},
                at_least(target)};
    }

private:
    double checkpoints_a_second(int count) {
        vm_.send(fmt::format("checkpoints {} {}", count, kSmallPages));
        double took_ns = 0;
        for (int i = 0; i < count; ++i)
            took_ns += static_cast<double>(number_in(vm_.read_line()));
        return count * 1e9 / took_ns;
    }

    double writes_a_second(int count) {
        double took_ms = 0;
        for (int i = 0; i < count; ++i)
            took_ms += plain_.append_noise_ms(kSmallPages * 4096);
        return count * 1e3 / took_ms;
    }

    RunningVm vm_;
    PlainFile plain_;
    std::vector<double> checkpoints_;
    std::vector<double> writes_;
};

}  // namespace

void measure_small_checkpoints(Report& report, const Options& options) {
    const int batches = options.repetitions(10, 3);
    const VmStore store;
    {
        SmallWrites alone(store, "alone");
        alone.measure(batches);
        report.add(alone.row("durable checkpoints a second, 16 KiB dirty", 500));
    }
    RunningVm big =
        store.start({"run", "--name", "big", guest("commanded"), std::to_string(kBigGuestMib)});
    big.read_line();
    big.send(fmt::format("checkpoints 4096 {}", kBigPages));
    SmallWrites beside(store, "beside");
    const std::size_t big_ones = store.log("big").size();
    beside.measure(batches);
    if (store.log("big").size() == big_ones) report.note("the big writer wrote nothing meanwhile");
    report.add(beside.row("the same, beside a process that writes 32 MiB ones", 100));
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
        const double plain_s =
            plain.append_noise_ms(static_cast<std::size_t>(mebibytes) << 20U) / 1e3;
        rates.push_back(mebibytes / durable_s);
        plain_rates.push_back(mebibytes / plain_s);
        ratios.push_back(rates.back() / plain_rates.back());
    }
    const Peer plain_file{"appended to a plain file, fdatasync", median_of(plain_rates)};
    report.add({fmt::format("durable write rate, {} MiB of noise", mebibytes), "MiB/s",
                figure_of(rates, Better::higher), plain_file});
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
