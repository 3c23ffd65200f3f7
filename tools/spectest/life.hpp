#pragma once

#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "heap/heap.hpp"
#include "vm/machine.hpp"

namespace sojourn::spec {

/// The machine on which a script's instances live, and what happens to it between steps.
class Life {
public:
    virtual ~Life() = default;

    virtual vm::Machine& machine() = 0;
    /// Makes the module's bytes available to later lives.
    virtual Result<void> keep(const vm::Module& module) = 0;
    /// Performs the call that was started, to its end.
    virtual Result<vm::Stop> finish() = 0;
    /// To be called between two commands.
    virtual Result<void> rest() = 0;
};

/// How often lives end, or are compared, counted over one script: at every rest, and inside calls
/// at every so many safepoints; unless these are given at every one at first, then more and more
/// rarely, so that a script with long loops ends.
class Pace {
public:
    explicit Pace(std::optional<std::uint64_t> safepoints)
        : interval_(safepoints.value_or(1)), is_steady_(safepoints.has_value()) {}

    [[nodiscard]] std::uint64_t safepoints_to_next() const { return interval_; }
    void count_rest() { ++at_rest_; }
    void count_safepoint();

    [[nodiscard]] std::uint64_t at_rest() const { return at_rest_; }
    [[nodiscard]] std::uint64_t at_safepoints() const { return at_safepoints_; }

private:
    std::uint64_t at_rest_ = 0;
    std::uint64_t at_safepoints_ = 0;
    std::uint64_t interval_;
    bool is_steady_;
};

/// One machine to the end, on a heap of a store in memory.
Result<std::unique_ptr<Life>> create_plain_life(const Clock& clock, Random& random,
                                                const heap::HeapOptions& heap,
                                                vm::CompiledTier* tier);

/// Two machines in step, of which the second interprets: at the pace's safepoints, and at the end
/// of each call, they have to stand alike, value by value. finish() fails when they do not. Borrows
/// them all.
Result<std::unique_ptr<Life>> create_shadowed_life(const Clock& clock, Random& random,
                                                   const heap::HeapOptions& heap, Pace& pace,
                                                   vm::CompiledTier* tier);

/// At the pace's safepoints and at every rest the process is captured and published, everything is
/// dropped, the store opened afresh and the process restored. Borrows them all.
Result<std::unique_ptr<Life>> create_reincarnating_life(const Clock& clock, Random& random,
                                                        const heap::HeapOptions& heap, Pace& pace,
                                                        vm::CompiledTier* tier);

}  // namespace sojourn::spec
