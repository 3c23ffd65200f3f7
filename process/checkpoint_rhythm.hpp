#pragma once

#include <cstdint>
#include <optional>

namespace sojourn::process {

/// When checkpoints come by themselves: at what happens first.
struct CheckpointRhythm {
    std::optional<std::uint64_t> interval_ns;
    std::optional<std::uint64_t> dirty_bytes;  ///< changed since the last one

    [[nodiscard]] bool is_given() const { return interval_ns || dirty_bytes; }
};

}  // namespace sojourn::process
