#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "process/process.hpp"

namespace sojourn::tools {

/// Where in the program's text a frame stands.
struct SourceLine {
    std::string file;          ///< UTF-8, otherwise as the guest's compiler, or the guest, wrote it
    std::uint32_t line = 0;    ///< from 1
    std::uint32_t column = 0;  ///< from 1; 0: not told
};

/// By frame of the trap's backtrace; nullopt where the module's DWARF does not tell. Another
/// program reads it (`vm-symbolize`): whatever becomes of that one, the worst is nullopt and some
/// seconds.
std::vector<std::optional<SourceLine>> source_lines(const process::Outcome& outcome,
                                                    const Clock& clock);

}  // namespace sojourn::tools
