#pragma once

#include "vm/wasm/internal/immediates.hpp"
#include "vm/wasm/internal/module_reader.hpp"

namespace sojourn::vm::internal {

/// Validates function bodies, one after the other (the algorithm of the specification's appendix),
/// against what stands before the code section. A single pass without recursion. What is wrong
/// becomes the reader's failure. Borrows both.
class BodyValidator {
public:
    BodyValidator(const Module& module, ModuleReader& reader) : module_(module), reader_(reader) {}

    /// Reads the local declarations and the code up to the reader's end, and fills in what Function
    /// says about them. Requires: type_index is set and in range.
    void validate(Function& function);

private:
    /// nullopt: unreachable code, any type fits.
    using Operand = std::optional<ValueType>;

    struct Control {
        Opcode opcode = Opcode::block;  ///< block, loop, if, else, try_table, try, catch, catch_all
        bool is_unreachable = false;
        std::uint32_t height = 0;      ///< of the operand stack below the block's parameters
        std::uint32_t slots = 0;       ///< of the operands below it
        std::uint32_t set_locals = 0;  ///< that were set before the block
        BlockType block;
    };

    static std::uint32_t slots_of_operand(Operand type) { return type ? slots_of(*type) : 1; }

    void begin(Function& function);
    void read_locals(Function& function);
    void add_locals(Function& function, std::uint32_t count, ValueType type);
    void step();
    /// The instructions that most code consists of, on the shortest way. False for others, which
    /// come here by read_immediates() and, where the table does not type them, by_context().
    bool common_instruction();

    void apply(const Signature& signature);
    void memory_access();
    void check_immediate(Immediate immediate);
    void check_alignment();
    void check_offset();
    void check_lane();
    void check_data_index();
    void by_context();
    void control_instruction();
    void exception_instruction();
    void global_instruction();
    void local_instruction();
    /// Locals set since the block began are not, behind it.
    void unset_locals(const Control& control);
    void reference_instruction();
    void memory_copy();
    void table_instruction();
    void table_init();
    void table_copy();
    void check_element_type(ValueType wanted, ValueType found);

    void enter_block();
    void change_to_else();
    void leave_block();
    void enter_try_table();
    void check_catch(const Catch& clause);
    /// Ends the body or the last clause of a legacy try, and begins the next one.
    void change_to_catch();
    void delegate();
    void rethrow();
    /// nullptr and a failure when there is no such tag.
    const FunctionType* tag_type(std::uint32_t tag);
    void end_arm(const Control& control);
    void branch_table();
    void call(std::uint32_t type_index);
    /// Nothing follows, and the results are those of this function.
    void tail_call(std::uint32_t type_index);
    /// Pops the index. False and a failure when it names no table of functions or no type.
    bool take_indirect_callee();
    /// Pops the reference. False and a failure when there is no such type of functions.
    bool take_referenced_callee();
    void branch_on_null();
    void branch_on_non_null();
    void select();
    void select_typed();

    [[nodiscard]] std::span<const ValueType> label_types(const Control& control) const;
    /// nullptr and a failure when there is no such block.
    const Control* label(std::uint32_t depth);
    void become_unreachable();

    void push(Operand type) {
        operands_.push_back(type);
        operand_slots_ += slots_of_operand(type);
        if (operand_slots_ > operand_slots_max_) [[unlikely]] {
            new_slots_max();
        }
    }
    void push_all(std::span<const ValueType> types);
    Operand pop_any();
    /// nullopt after a failure.
    std::optional<ValueType> pop_reference();
    [[nodiscard]] bool is_on_top(ValueType type) const {
        return operands_.size() > controls_.back().height && operands_.back() == type;
    }
    void pop(ValueType expected) {
        if (is_on_top(expected)) [[likely]] {
            take_top();
        } else {
            pop_other(expected);
        }
    }
    /// One that is not of the type itself: of a subtype, unknown, none, or a failure.
    void pop_other(ValueType expected);
    void pop_all(std::span<const ValueType> expected);
    /// Takes off the operand that is on top. Requires: there is one.
    Operand take_top() {
        const Operand top = operands_.back();
        operands_.pop_back();
        operand_slots_ -= slots_of_operand(top);
        return top;
    }
    /// Takes off all operands of the innermost block.
    void drop_block_operands();
    /// As pop_all(), changing nothing.
    void check_top(std::span<const ValueType> expected);
    void new_slots_max();

    bool check_index(std::uint32_t index, std::size_t count, std::string_view of_what);
    /// Of the instruction: its address type becomes that of the operands.
    bool has_memory(std::uint32_t index);
    bool has_table(std::uint32_t index) {
        return check_index(index, module_.tables.size(), "table");
    }
    bool check_function_type(std::uint32_t type_index);
    [[nodiscard]] bool fits(ValueType type, ValueType wanted) const {
        return vm::fits(module_.types, type, wanted);
    }
    void mismatch(std::string_view expected, std::string_view found);

    const Module& module_;
    ValueType address_ = ValueType::i32;  ///< of the memory that the instruction names
    ModuleReader& reader_;

    Instruction instruction_;
    ImmediateStorage storage_;
    std::vector<ValueType> locals_;
    std::vector<bool> is_unset_;             ///< by local; empty when all have a default
    std::vector<std::uint32_t> set_locals_;  ///< those without a default, in the order of setting
    std::vector<Operand> operands_;
    std::vector<Control> controls_;
    std::uint32_t operand_slots_ = 0;  ///< of operands_, an unknown one counted as one
    std::uint32_t operand_slots_max_ = 0;
    std::uint32_t local_slots_ = 0;
    std::vector<ValueType> caught_;  ///< what the clause at hand gives
    bool rethrows_ = false;
    std::uint32_t type_index_ = 0;
};

}  // namespace sojourn::vm::internal
