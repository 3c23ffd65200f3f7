#pragma once

#include <functional>

#include "tools/vm/output.hpp"
#include "vm/machine.hpp"

namespace sojourn::tools {

/// Frames, innermost first; of a long one, the vm::kBacktraceEnd frames of each end.
struct Backtrace {
    std::vector<vm::BacktraceFrame> frames;
    std::uint64_t frames_left_out = 0;
    std::vector<std::shared_ptr<const vm::Module>> modules;  ///< by instance
};

/// What else is said of a frame, by its place in `frames`: whole lines, or nothing.
using FrameRemarks = std::function<std::string(std::size_t index)>;

/// A line a frame, with the source line where the module's debug information has one.
std::string text_of(const Backtrace& backtrace, const Clock& clock,
                    const FrameRemarks& remarks = {});
/// A list of `{function, function_index, code_offset, source: {file, line, column}}`.
Json json_of(const Backtrace& backtrace, const Clock& clock);

}  // namespace sojourn::tools
