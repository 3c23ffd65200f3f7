#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "bench/checkpoint.hpp"
#include "bench/support/vm.hpp"

namespace sojourn::bench {

namespace {

constexpr int kPagesAMebibyte = 256;
constexpr int kGibibyte = 1024;  // in MiB
constexpr const char* kPrecopyOption = "--precopy";

struct Setting {
    int resident_mib = kGibibyte;
    int writes_a_second = 0;
    std::string_view mechanism = "uffd-async";
    std::string_view precopy;  ///< the option's value; empty: as vm does by itself
    int rounds = 0;
};

struct Pauses {
    Figure pause_ms;          ///< as `vm log` has it
    double guest_gap_ms = 0;  ///< the median of what the guest saw on its own clock
};

std::vector<std::string> command_of(const Setting& setting) {
    std::vector<std::string> command = {"run", "--name", "guest", "--heap-mechanism",
                                        std::string(setting.mechanism)};
    if (!setting.precopy.empty())
        command.push_back(fmt::format("{}={}", kPrecopyOption, setting.precopy));
    command.push_back(guest("commanded"));
    command.push_back(std::to_string(setting.resident_mib));
    return command;
}

/// A guest whose memory was checkpointed once.
class Subject {
public:
    explicit Subject(const Setting& setting)
        : rounds_(setting.rounds), vm_(store_.start(command_of(setting))) {
        vm_.read_line();
        vm_.ask(fmt::format("rate {}", setting.writes_a_second));
        store_.run({"checkpoint", "guest"});
    }

    /// Round by round: the guest makes pages dirty as the command says, a checkpoint is taken, the
    /// guest is asked for its longest gap.
    Pauses measure(const std::string& dirty_command) {
        std::vector<double> gaps_ms;
        for (int round = 0; round < rounds_; ++round) {
            vm_.ask(dirty_command);
            vm_.ask("gap");
            store_.run({"checkpoint", "guest"});
            gaps_ms.push_back(static_cast<double>(vm_.ask_number("gap")) / 1e6);
        }
        const auto log = store_.log("guest");
        std::vector<double> pauses_ms;
        for (auto row = log.end() - rounds_; row != log.end(); ++row)
            pauses_ms.push_back((*row)["pause_us"].get<double>() / 1e3);
        return {figure_of(pauses_ms), median_of(gaps_ms)};
    }

    /// The guest's longest gap in as many stretches of 100 ms without any checkpoint: what the host
    /// keeps it from by other things.
    Figure gap_without_checkpoints_ms() {
        std::vector<double> gaps_ms;
        for (int round = 0; round < rounds_; ++round) {
            vm_.ask("gap");
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            gaps_ms.push_back(static_cast<double>(vm_.ask_number("gap")) / 1e6);
        }
        return figure_of(gaps_ms);
    }

private:
    VmStore store_;
    int rounds_;
    RunningVm vm_;
};

void add_row(Report& report, const std::string& name, const Pauses& pauses,
             std::optional<double> median_max_ms) {
    Row row{name, "ms", pauses.pause_ms, {"guest's clock gap", pauses.guest_gap_ms}};
    if (median_max_ms) row.target = at_most(*median_max_ms);
    report.add(row);
}

void add_p99_row(Report& report, const std::string& name, const Pauses& pauses, double max_ms) {
    const Figure p99{pauses.pause_ms.p99, pauses.pause_ms.p99, pauses.pause_ms.n};
    report.add({fmt::format("{}, p99", name), "ms", p99, {}, at_most(max_ms)});
}

/// The guest's command to write to so many percent of a memory of 1 GiB, at random places.
std::string scattered(int percent) {
    return fmt::format("scattered {}", kGibibyte * kPagesAMebibyte * percent / 100);
}

void measure_one_pass(Report& report, Setting setting, bool has_precopy, bool has_target) {
    if (has_precopy) setting.precopy = "0";
    Subject subject(setting);
    if (has_target) {
        report.add({"guest's clock gap in 100 ms without a checkpoint", "ms",
                    subject.gap_without_checkpoints_ms()});
    }
    add_row(report, fmt::format("pause, 1 GiB, 1 % scattered, {}, one pass", setting.mechanism),
            subject.measure(scattered(1)), has_target ? std::optional(2.0) : std::nullopt);
}

void measure_precopy(Report& report, const Setting& setting, bool has_target) {
    const auto name = fmt::format("pause, 1 GiB, 1 % scattered, {}, pre-copy", setting.mechanism);
    const Pauses pauses = Subject(setting).measure(scattered(1));
    add_row(report, name, pauses, has_target ? std::optional(1.0) : std::nullopt);
    if (has_target) add_p99_row(report, name, pauses, 3);
}

void measure_by_mechanism(Report& report, const Options& options, bool has_precopy) {
    for (const std::string_view mechanism : {"uffd-async", "uffd-sync", "mprotect"}) {
        const bool has_target = mechanism == "uffd-async";
        Setting setting;
        setting.mechanism = mechanism;
        setting.rounds = has_target ? options.repetitions(100, 10) : options.repetitions(20, 3);
        measure_one_pass(report, setting, has_precopy, has_target);
        if (has_precopy) measure_precopy(report, setting, has_target);
    }
}

void measure_by_size(Report& report, const Options& options) {
    constexpr int kDirtyPages = 256;
    for (const int resident_mib : {64, kGibibyte, 4 * kGibibyte}) {
        if (options.quick && resident_mib > kGibibyte) continue;
        Setting setting;
        setting.resident_mib = resident_mib;
        setting.rounds = options.repetitions(30, 5);
        Subject subject(setting);
        const double size_gib = static_cast<double>(resident_mib) / kGibibyte;
        add_row(report, fmt::format("pause, {} MiB, 1 MiB of it scattered", resident_mib),
                subject.measure(fmt::format("scattered {}", kDirtyPages)), 0.3 + 0.7 * size_gib);
        add_row(report, fmt::format("pause, {} MiB, 1 MiB of it local", resident_mib),
                subject.measure(fmt::format("local {}", kDirtyPages)), 0.3);
    }
}

void measure_while_writing(Report& report, const Options& options) {
    Setting setting;
    setting.writes_a_second = 20'000'000 / 4096;
    setting.rounds = options.repetitions(15, 3);
    add_row(report, "pause, 1 GiB, 10 % scattered, guest writes 20 MB/s",
            Subject(setting).measure(scattered(10)), 5);
}

}  // namespace

void measure_pauses(Report& report, const Options& options) {
    const bool has_precopy = takes_option("run", kPrecopyOption);
    if (!has_precopy) report.note("no rows with pre-copy: vm run takes no --precopy");
    measure_by_mechanism(report, options, has_precopy);
    measure_by_size(report, options);
    measure_while_writing(report, options);
}

}  // namespace sojourn::bench
