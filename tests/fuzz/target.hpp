#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

/// Everything that reads bytes from a disk or a stranger, as functions that take any bytes. They
/// refuse or accept; anything else (a failed check, a signal, a sanitizer's report, a hang) is a
/// defect.
namespace sojourn::fuzz {

using Seeds = std::vector<ByteVector>;

struct Target {
    std::string_view name;
    std::string_view what;
    unsigned rounds;   ///< of mutations in the regression test: about a second
    Seeds (*seeds)();  ///< real data, made when asked for; empty when a tool for it is missing
    void (*run)(Bytes input);
};

/// In the order of targets.def.
std::span<const Target> targets();
/// nullptr when there is none of that name.
const Target* find_target(std::string_view name);

}  // namespace sojourn::fuzz
