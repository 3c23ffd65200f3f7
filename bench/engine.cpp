#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fmt/format.h>

#include "bench/support/cpu_time.hpp"
#include "bench/support/report.hpp"
#include "tests/support/temporary_folder.hpp"

// How much more CPU time do programs take here than compiled by gcc -O2? And how much more time
// once they are compiled?

namespace sojourn::bench {

namespace {

namespace fs = std::filesystem;

/// Programs that compute, each in a folder's NAME.c with `bench_main`, beside wrap.c with `main`.
struct Kernel {
    std::string name;
    std::optional<double> wasm3;  ///< its figure, measured where the targets were set
};

const std::array kKernels{Kernel{"fib", 12.9},     Kernel{"ack", 14.5},    Kernel{"icall", 16.7},
                          Kernel{"bswitch", 18.3}, Kernel{"sha256", 21.4}, Kernel{"lz", 9.2},
                          Kernel{"sieve", 5.4},    Kernel{"hash", {}},     Kernel{"chase", {}},
                          Kernel{"tight", {}}};
/// What is compiled is so from nothing, and that counts.
const std::array kEngines{"interp", "auto"};
constexpr double kInterpretedMeanTarget = 9.7;
constexpr double kSteadyTarget = 1.5;
constexpr double kSteadyMeanTarget = 1.1;
constexpr double kColdTarget = 1.3;
constexpr double kWarmTarget = 1.1;

double geometric_mean(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values)
        sum += std::log(value);
    return std::exp(sum / static_cast<double>(values.size()));
}

void compile(std::vector<std::string> command, const std::vector<std::string>& sources) {
    command.insert(command.end(), sources.begin(), sources.end());
    cpu_seconds(command, "/dev/null");
}

/// From a kernel and what calls it, a native program and a module.
void compile_both(std::vector<std::string> sources, const std::string& native,
                  const std::vector<std::string>& options = {}) {
    sources.insert(sources.end(), options.begin(), options.end());
    compile({"gcc", "-O2", "-w", "-o", native}, sources);
    compile({"clang-16", "--target=wasm32-wasi", "-O2", "-w", "-o", native + ".wasm"}, sources);
}

std::vector<std::string> in_v8(const char* tier, const std::string& module) {
    return {"node", "--no-warnings", "--single-threaded", tier, SOJOURN_BENCH_V8, module};
}

/// The first line, which says what was computed. The others say how long it took.
std::string answer_in(const std::string& file) {
    std::ifstream lines(file);
    std::string line;
    std::getline(lines, line);
    return line.substr(0, line.find(" touch_ms"));
}

/// A kernel as several programs, run in turns.
class Contest {
public:
    Contest(const fs::path& kernels, std::string name, bool with_v8)
        : name_(std::move(name)), native_(folder_.path() / name_), module_(native_ + ".wasm") {
        compile_both({(kernels / (name_ + ".c")).native(), (kernels / "wrap.c").native()}, native_);
        contestants_.push_back({{native_}, {}});
        for (const char* engine : kEngines)
            contestants_.push_back(
                {{SOJOURN_VM, "run", fmt::format("--engine={}", engine), "--code-cache=0", module_},
                 {}});
        if (!with_v8) return;
        for (const char* tier : {"--liftoff-only", "--no-liftoff"})
            contestants_.push_back({in_v8(tier, module_), {}});
    }

    void run_round() {
        for (std::size_t index = 0; index < contestants_.size(); ++index) {
            const std::string output = native_ + ".out";
            contestants_[index].seconds.push_back(cpu_seconds(contestants_[index].command, output));
            const std::string answer = answer_in(output);
            if (index == 0) answer_ = answer;
            if (answer == answer_) continue;
            throw std::runtime_error(fmt::format("{} gave '{}' instead of '{}'",
                                                 fmt::join(contestants_[index].command, " "),
                                                 answer, answer_));
        }
    }

    /// Of the vm by engine, then of V8's baseline compiler and its optimizing one, to native code:
    /// one ratio a round.
    [[nodiscard]] std::vector<double> ratios(std::size_t contestant) const {
        std::vector<double> all;
        const auto& native = contestants_[0].seconds;
        for (std::size_t round = 0; round < native.size(); ++round)
            all.push_back(contestants_[1 + contestant].seconds[round] / native[round]);
        return all;
    }

private:
    struct Contestant {
        std::vector<std::string> command;
        std::vector<double> seconds;
    };

    tests::TemporaryFolder folder_;
    std::string name_;
    std::string native_;
    std::string module_;
    std::string answer_;
    std::vector<Contestant> contestants_;
};

/// Who does it the same way: V8's baseline compiler stands beside the interpreter.
std::size_t peer_index(std::size_t engine) {
    return kEngines.size() + (engine == 0 ? 0 : 1);
}

Peer peer_of(std::size_t engine, double value) {
    return {engine == 0 ? "V8, baseline compiler" : "V8, optimizing compiler", value};
}

bool has_node() {
    return std::system("node --version >/dev/null 2>&1") == 0;
}

/// Of each contestant, over the kernels.
using Medians = std::array<std::vector<double>, kEngines.size() + 2>;

void measure_kernel(Report& report, const Options& options, const fs::path& kernels,
                    const Kernel& kernel, bool with_v8, Medians& medians) {
    Contest contest(kernels, kernel.name, with_v8);
    for (int round = 0; round < options.repetitions(5, 1); ++round)
        contest.run_round();
    for (std::size_t i = 0; i < kEngines.size() + (with_v8 ? 2 : 0); ++i)
        medians[i].push_back(median_of(contest.ratios(i)));
    for (std::size_t i = 0; i < kEngines.size(); ++i) {
        Row row{fmt::format("{}, {}, CPU time to gcc -O2", kernel.name, kEngines[i]), "ratio",
                figure_of(contest.ratios(i))};
        if (i == 0 && kernel.wasm3) row.target = at_most(*kernel.wasm3);
        if (with_v8) row.peer = peer_of(i, medians[peer_index(i)].back());
        report.add(row);
    }
}

/// In seconds, of a program of repeated.c.
double fastest_run(const std::vector<std::string>& command, const std::string& output) {
    cpu_seconds(command, output);
    std::ifstream words(output);
    for (std::string word; words >> word;) {
        double nanoseconds = 0;
        if (word == "fastest" && words >> nanoseconds) return nanoseconds / 1e9;
    }
    throw std::runtime_error(fmt::format("{} did not say how long it took", command[0]));
}

/// When everything is compiled: the fastest of some runs in one process, in turns with native ones.
class SteadyState {
public:
    SteadyState(Report& report, const Options& options, fs::path kernels, bool with_v8)
        : report_(report), options_(options), kernels_(std::move(kernels)), with_v8_(with_v8) {}

    void measure(const std::string& name) {
        const tests::TemporaryFolder folder;
        const std::string native = folder.path() / name;
        compile_both({(kernels_ / (name + ".c")).native(), SOJOURN_BENCH_REPEATED}, native);
        std::vector<double> ratios;
        std::vector<double> peers;
        for (int round = 0; round < options_.repetitions(5, 1); ++round) {
            const std::string output = native + ".out";
            const double reference = fastest_run({native}, output);
            const std::string module = native + ".wasm";
            ratios.push_back(fastest_run({SOJOURN_VM, "run", "--engine=jit", module}, output) /
                             reference);
            if (with_v8_)
                peers.push_back(fastest_run(in_v8("--no-liftoff", module), output) / reference);
        }
        medians_.push_back(median_of(ratios));
        if (with_v8_) peers_.push_back(median_of(peers));
        add(name, ratios, kSteadyTarget, peers);
    }

    void finish() {
        const std::vector<double> peers =
            with_v8_ ? std::vector{geometric_mean(peers_)} : std::vector<double>{};
        add("geometric mean", {geometric_mean(medians_)}, kSteadyMeanTarget, peers);
    }

private:
    void add(const std::string& name, const std::vector<double>& ratios, double target,
             const std::vector<double>& peers) {
        Row row{name + ", steady state, time to gcc -O2", "ratio", figure_of(ratios)};
        row.target = at_most(target);
        if (with_v8_) row.peer = peer_of(1, median_of(peers));
        report_.add(row);
    }

    Report& report_;
    const Options& options_;
    const fs::path kernels_;
    const bool with_v8_;
    std::vector<double> medians_;
    std::vector<double> peers_;
};

/// How much more CPU time a program of a second takes than if it were compiled from the start.
class WarmUp {
public:
    WarmUp(Report& report, const Options& options, fs::path kernels)
        : report_(report), options_(options), kernels_(std::move(kernels)) {}

    void measure(const std::string& name) {
        const tests::TemporaryFolder folder;
        const std::string native = folder.path() / name;
        const std::string output = native + ".out";
        const std::string store = folder.path() / "store";
        const std::vector<std::string> sources{(kernels_ / (name + ".c")).native(),
                                               SOJOURN_BENCH_REPEATED};
        compile_both(sources, native);
        const auto runs = static_cast<int>(std::ceil(1.0 / fastest_run({native}, output)));
        compile_both(sources, native, {fmt::format("-DRUNS={}", runs)});
        const std::string module = native + ".wasm";
        cpu_seconds({SOJOURN_VM, "compile", "--store", store, module}, output);
        std::vector<double> cold;
        std::vector<double> warm;
        for (int round = 0; round < options_.repetitions(5, 1); ++round) {
            const double steady =
                runs * fastest_run({SOJOURN_VM, "run", "--engine=jit", module}, output);
            cold.push_back(cpu_seconds({SOJOURN_VM, "run", "--code-cache=0", module}, output) /
                           steady);
            warm.push_back(cpu_seconds({SOJOURN_VM, "run", "--store", store, module}, output) /
                           steady);
        }
        add(name, "from cold", cold, kColdTarget);
        add(name, "from a warm cache", warm, kWarmTarget);
        cold_.push_back(median_of(cold));
        warm_.push_back(median_of(warm));
    }

    void finish() {
        add("geometric mean", "from cold", {geometric_mean(cold_)}, kColdTarget);
        add("geometric mean", "from a warm cache", {geometric_mean(warm_)}, kWarmTarget);
    }

private:
    void add(const std::string& name, const char* from, const std::vector<double>& ratios,
             double target) {
        Row row{fmt::format("{}, a second of gcc's, {}, CPU time to steady state", name, from),
                "ratio", figure_of(ratios)};
        row.target = at_most(target);
        report_.add(row);
    }

    Report& report_;
    const Options& options_;
    const fs::path kernels_;
    std::vector<double> cold_;
    std::vector<double> warm_;
};

void measure(Report& report, const Options& options) {
    const char* folder = std::getenv("SOJOURN_KERNELS");
    const fs::path kernels = folder == nullptr ? "" : folder;
    if (!fs::exists(kernels / "wrap.c")) {
        report.note("skipped: SOJOURN_KERNELS names no folder with the kernels (NAME.c, wrap.c)");
        return;
    }
    const bool with_v8 = has_node();
    if (!with_v8) report.note("without V8: there is no node");
    Medians medians;
    for (const Kernel& kernel : kKernels)
        measure_kernel(report, options, kernels, kernel, with_v8, medians);
    for (std::size_t i = 0; i < kEngines.size(); ++i) {
        Row row{fmt::format("geometric mean, {}", kEngines[i]), "ratio",
                figure_of({geometric_mean(medians[i])})};
        if (i == 0) row.target = at_most(kInterpretedMeanTarget);
        if (with_v8) row.peer = peer_of(i, geometric_mean(medians[peer_index(i)]));
        report.add(row);
    }
    SteadyState steady(report, options, kernels, with_v8);
    for (const Kernel& kernel : kKernels)
        steady.measure(kernel.name);
    steady.finish();
    WarmUp warm_up(report, options, kernels);
    for (const Kernel& kernel : kKernels)
        warm_up.measure(kernel.name);
    warm_up.finish();
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(
        argument_count, arguments, "How much more CPU time than compiled by gcc -O2 does it take?",
        sojourn::bench::measure);
}
