#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "vm/exec/handler.hpp"
#include "vm/exec/translation.hpp"

namespace sojourn::vm {

/// A place in the code that branches go to, before or after it is known.
struct Label {
    struct Use {
        std::uint32_t word_index;  ///< whose immediate is the displacement
        std::uint32_t base_index;  ///< the operation it is measured from
    };
    std::optional<std::uint32_t> word_index;
    std::vector<Use> unresolved;
    bool is_used = false;
};

/// Appends operations and resolves branches.
class CodeBuilder {
public:
    explicit CodeBuilder(const HandlerTable& handlers) : handlers_(handlers) {}

    /// What follows was made from the instruction at `code_offset`.
    void set_code_offset(std::uint32_t code_offset) { code_offset_ = code_offset; }

    void emit(Handler handler, std::uint16_t a = 0, std::uint16_t b = 0,
              std::uint32_t immediate = 0);
    /// As emit(), for an operation whose result goes to slot `a` and can be retargeted.
    void emit_result(Handler handler, std::uint16_t a, std::uint16_t b = 0,
                     std::uint32_t immediate = 0);
    /// The second word of the operation just emitted.
    void extend(std::uint64_t first, std::uint64_t second = 0);

    /// As emit(), with the displacement to `label` as its immediate.
    void emit_branch(Handler handler, Label& label, std::uint16_t a = 0, std::uint16_t b = 0);
    /// As emit_branch(), measured from the operation at `base_index`.
    void emit_table_entry(Label& label, std::uint32_t base_index);
    void bind(Label& label);

    /// Of the next safepoint's operation.
    void note_safepoint(SafepointKind kind, std::uint32_t slot_count);

    /// Regions are added in the order in which they end. Returns its place in try_region().
    std::size_t add_try_region(TryRegion region);
    [[nodiscard]] TryRegion& try_region(std::size_t place) { return try_regions_[place]; }

    /// Makes the last operation write `to`, if it is one that was to write `from` and no branch
    /// comes in behind it.
    bool retarget_result(std::uint16_t from, std::uint16_t to);

    /// Makes the last operation return its result, if it is a plain instruction that was to write
    /// `slot`, can do that, and no branch comes in behind it.
    bool make_last_return(std::uint16_t slot);

    /// A plain instruction whose result nobody has seen yet.
    struct Plain {
        Opcode opcode;
        Form form;
        Operation op;
    };
    /// The last operation, if it is a plain instruction whose result goes to `slot` and no branch
    /// comes in behind it.
    [[nodiscard]] std::optional<Plain> last_plain(std::uint16_t slot) const;
    /// The last operation, if it is of `handler`, its result goes to `slot` and no branch comes in
    /// behind it.
    [[nodiscard]] std::optional<Operation> last_operation(Handler handler,
                                                          std::uint16_t slot) const;
    /// Takes the last operation back. Requires: last_plain() or last_operation() has given one.
    void take_back();

    /// Emits slot `to` := slot `from`, together with a move just before it if there is one; with a
    /// width of 2, of the two slots from there on.
    void emit_move(std::uint16_t to, std::uint16_t from, std::uint32_t width);

    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(words_.size()); }
    [[nodiscard]] Translation finish() &&;

private:
    void resolve(const Label::Use& use, std::uint32_t target_index);

    struct Result {
        std::uint32_t word_index;
        std::uint32_t word_count;
        Handler handler;
    };
    [[nodiscard]] const Result* last_result() const;

    const HandlerTable& handlers_;
    std::uint32_t code_offset_ = 0;
    std::vector<Word> words_;
    std::vector<std::uint32_t> offsets_;
    std::vector<Safepoint> safepoints_;
    std::vector<TryRegion> try_regions_;
    std::vector<Result> results_;  ///< since the last bound label, to look back at
};

}  // namespace sojourn::vm
