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

struct ExceptionTag;

/// Where an exception lands that is caught.
struct CatchClause {
    const ExceptionTag* tag = nullptr;  ///< nullptr: every exception
    std::uint32_t word_index = 0;
    std::uint16_t first_slot = 0;  ///< of what the exception carries
    /// Where the exception itself goes; nullopt when nobody wants it.
    std::optional<std::uint16_t> reference_slot;
};

/// Instructions whose exceptions are caught, or are handed on.
struct TryRegion {
    std::uint32_t begin = 0;  ///< code offset of the try; what it guards stands behind
    std::uint32_t end = 0;
    std::vector<CatchClause> clauses;
    /// Instead of clauses: exceptions go to the regions that begin here or before.
    std::optional<std::uint32_t> delegated_to;

    [[nodiscard]] bool guards(std::uint32_t code_offset) const {
        return begin < code_offset && code_offset < end;
    }
};

/// A function's register code. Its places are named by word here, by code offset in states.
class Translation {
public:
    Translation(std::vector<Word> words, std::vector<std::uint32_t> offsets,
                std::vector<Safepoint> safepoints, std::vector<TryRegion> try_regions)
        : words_(std::move(words)),
          offsets_(std::move(offsets)),
          safepoints_(std::move(safepoints)),
          try_regions_(std::move(try_regions)) {
        for (const TryRegion& region : try_regions_)
            catch_steps_max_ += 1 + region.clauses.size();
    }

    [[nodiscard]] const Word* entry() const { return words_.data(); }
    [[nodiscard]] const Word* at(const Safepoint& safepoint) const {
        return words_.data() + safepoint.word_index;
    }
    /// To be changed where it stands. Requires: `pc` is one of this code.
    [[nodiscard]] Operation& operation_at(const Word* pc) {
        return words_[static_cast<std::size_t>(pc - words_.data())].op;
    }
    [[nodiscard]] const Word* at(const CatchClause& clause) const {
        return words_.data() + clause.word_index;
    }

    /// What catches an exception of `tag` thrown at `code_offset`; nullptr when nothing does.
    [[nodiscard]] const CatchClause* find_catch(std::uint32_t code_offset,
                                                const ExceptionTag& tag) const {
        std::uint32_t begin_max = UINT32_MAX;
        for (const TryRegion& region : try_regions_) {
            if (!region.guards(code_offset) || region.begin > begin_max) continue;
            if (region.delegated_to) begin_max = *region.delegated_to;
            for (const CatchClause& clause : region.clauses) {
                if (clause.tag == nullptr || clause.tag == &tag) return &clause;
            }
        }
        return nullptr;
    }

    /// How many regions and clauses find_catch() may look at.
    [[nodiscard]] std::uint64_t catch_steps_max() const { return catch_steps_max_; }

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
    std::vector<TryRegion> try_regions_;  ///< inner ones before those around them
    std::uint64_t catch_steps_max_ = 0;
};

}  // namespace sojourn::vm
