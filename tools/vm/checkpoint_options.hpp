#pragma once

#include <optional>
#include <string>
#include <vector>

#include "process/process.hpp"

namespace CLI {
class App;
}

/// When checkpoints are taken by themselves and which of them stay, for `vm run` and `vm resume`.
namespace sojourn::tools {

struct CheckpointOptions {
    std::vector<std::string> every;  ///< each `1s`, `100MB` or a list of them
    std::string keep;
    unsigned precopy_rounds = process::Execution{}.precopy_rounds;

    void add_to(CLI::App& verb);
    /// Sets what was asked for. Errors: invalid_argument, naming what is not understood.
    Result<void> apply_to(process::Execution& execution) const;
    [[nodiscard]] bool are_given() const { return !every.empty() || !keep.empty(); }
};

/// `last=10,hourly=24,daily=7`, each at most once, in any order. Errors: invalid_argument.
Result<process::RetentionPolicy> parse_keep(const std::string& text);

}  // namespace sojourn::tools
