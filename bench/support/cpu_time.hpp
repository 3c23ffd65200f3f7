#pragma once

#include <string>
#include <vector>

namespace sojourn::bench {

/// Runs it to its end, its stdout to the file `output`; the CPU seconds that it took, from its
/// start to its end. Throws unless it ends with 0.
double cpu_seconds(const std::vector<std::string>& command, const std::string& output);

}  // namespace sojourn::bench
