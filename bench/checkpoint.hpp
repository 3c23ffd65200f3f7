#pragma once

#include "bench/support/report.hpp"

/// The questions of `./dev bench checkpoint`. Each function adds its rows.
namespace sojourn::bench {

/// How long does the guest stand still, by what is dirty, by what is resident, by mechanism?
void measure_pauses(Report& report, const Options& options);

/// How many small checkpoints a second become durable, alone and beside a big writer?
void measure_small_checkpoints(Report& report, const Options& options);

/// How fast does what can't be compressed become durable, next to a plain file?
void measure_write_rate(Report& report, const Options& options);

/// What do checkpoints cost a guest that goes on meanwhile?
void measure_slow_down(Report& report, const Options& options);

/// What does a checkpoint of a guest that did nothing add to the store?
void measure_idle_growth(Report& report, const Options& options);

}  // namespace sojourn::bench
