#include <filesystem>

#include <fmt/format.h>

#include "bench/support/cpu_time.hpp"
#include "bench/support/report.hpp"

// What does it take to start a small program and end it again?

namespace sojourn::bench {

namespace {

void measure(Report& report, const Options& options) {
    const std::string module = SOJOURN_SAMPLES "/hello.wasm";
    if (!std::filesystem::exists(module))
        throw std::runtime_error("no " + module + ": clang-16 or lld-16 was missing at the build");
    std::vector<double> hello_ms;
    std::vector<double> nothing_ms;
    for (int run = 0; run < options.repetitions(500, 100); ++run) {
        hello_ms.push_back(1e3 * cpu_seconds({SOJOURN_VM, "run", module}, "/dev/null"));
        nothing_ms.push_back(1e3 * cpu_seconds({"/bin/true"}, "/dev/null"));
    }
    report.add({"vm run of a guest that says hello, CPU time from start to end",
                "ms",
                figure_of(hello_ms),
                {"/bin/true", median_of(nothing_ms)},
                at_most(4)});
}

}  // namespace

}  // namespace sojourn::bench

int main(int argument_count, char** arguments) {
    return sojourn::bench::run_benchmark(argument_count, arguments,
                                         "What does it take to start a small program?",
                                         sojourn::bench::measure);
}
