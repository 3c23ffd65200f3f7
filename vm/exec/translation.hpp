#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/check.hpp"
#include "vm/exec/word.hpp"

namespace sojourn::vm {

/// Only at a call can there be a frame above.
enum class SafepointKind : std::uint8_t { loop, call, tail_call };

/// Where a function's state is expressible as WebAssembly state.
struct Safepoint {
    std::uint32_t word_index;
    std::uint32_t code_offset;  ///< of the loop or call, from the module's first byte
    std::uint32_t slot_count;   ///< locals and operands, the arguments of a call among them
    SafepointKind kind;
};

/// A function's register code. Its places are named by word here, by code offset in states.
class Translation {
public:
    Translation(std::vector<Word> words, std::vector<std::uint32_t> offsets,
                std::vector<Safepoint> safepoints)
        : words_(std::move(words)),
          offsets_(std::move(offsets)),
          safepoints_(std::move(safepoints)) {}

    [[nodiscard]] const Word* entry() const { return words_.data(); }
    [[nodiscard]] const Word* at(const Safepoint& safepoint) const {
        return words_.data() + safepoint.word_index;
    }

    /// The offset of the instruction that `pc` was made from.
    [[nodiscard]] std::uint32_t code_offset_of(const Word* pc) const {
        return offsets_[static_cast<std::size_t>(pc - words_.data())];
    }

    /// Requires: there is one at `pc`.
    [[nodiscard]] const Safepoint& safepoint_at(const Word* pc) const {
        const auto word_index = static_cast<std::uint32_t>(pc - words_.data());
        const auto found =
            std::ranges::lower_bound(safepoints_, word_index, {}, &Safepoint::word_index);
        INVARIANT(found != safepoints_.end() && found->word_index == word_index,
                  "a pause happens at a safepoint");
        return *found;
    }

    /// nullptr when there is none.
    [[nodiscard]] const Safepoint* find_safepoint(std::uint32_t code_offset) const {
        const auto found =
            std::ranges::lower_bound(safepoints_, code_offset, {}, &Safepoint::code_offset);
        if (found == safepoints_.end() || found->code_offset != code_offset) return nullptr;
        return &*found;
    }

private:
    std::vector<Word> words_;
    std::vector<std::uint32_t> offsets_;  ///< one a word
    std::vector<Safepoint> safepoints_;   ///< sorted by word, which is by code offset as well
};

}  // namespace sojourn::vm
