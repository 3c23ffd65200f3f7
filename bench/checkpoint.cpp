#include "bench/checkpoint.hpp"

using namespace sojourn::bench;

int main(int argument_count, char** arguments) {
    return run_benchmark(argument_count, arguments,
                         "What does a checkpoint cost the guest, the host and the disk?",
                         [](Report& report, const Options& options) {
                             measure_pauses(report, options);
                             measure_small_checkpoints(report, options);
                             measure_write_rate(report, options);
                             measure_slow_down(report, options);
                             measure_idle_growth(report, options);
                         });
}
