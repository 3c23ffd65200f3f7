#pragma once

#include <cstdint>

/// The register code that the interpreter runs: words of 16 bytes, made by the translator.
namespace sojourn::vm {

/// What to do, and on which slots of the frame. What `a`, `b` and `immediate` mean is said with
/// each handler (vm/exec/handlers.def).
struct Operation {
    const void* handler;
    std::uint16_t a;
    std::uint16_t b;
    std::uint32_t immediate;

    /// The two slots that share the place of the immediate.
    [[nodiscard]] std::uint16_t c() const { return static_cast<std::uint16_t>(immediate); }
    [[nodiscard]] std::uint16_t d() const { return static_cast<std::uint16_t>(immediate >> 16U); }
};

/// The second word of an operation that has one.
struct Extension {
    std::uint64_t first;
    std::uint64_t second;
};

union Word {
    Operation op;
    Extension more;
};
static_assert(sizeof(Word) == 16);

/// Displacements are in bytes, from the first word of the operation that branches.
inline const Word* displaced(const Word* pc, std::uint32_t displacement) {
    return reinterpret_cast<const Word*>(reinterpret_cast<const char*>(pc) +
                                         static_cast<std::int32_t>(displacement));
}

}  // namespace sojourn::vm
