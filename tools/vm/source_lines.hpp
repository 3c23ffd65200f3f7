#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "vm/machine.hpp"

namespace sojourn::tools {

/// Where in the program's text a frame stands.
struct SourceLine {
    std::string file;          ///< UTF-8, otherwise as the guest's compiler, or the guest, wrote it
    std::uint32_t line = 0;    ///< from 1
    std::uint32_t column = 0;  ///< from 1; 0: not told
};

/// By frame; `modules` are those of the instances that the frames name. nullopt where the module's
/// DWARF does not tell. Another program reads it (`vm-symbolize`): whatever becomes of that one,
/// the worst is nullopt and some seconds.
std::vector<std::optional<SourceLine>> source_lines(
    const std::vector<vm::BacktraceFrame>& frames,
    const std::vector<std::shared_ptr<const vm::Module>>& modules, const Clock& clock);

}  // namespace sojourn::tools
