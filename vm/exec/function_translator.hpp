#pragma once

#include "vm/exec/operand_stack.hpp"
#include "vm/exec/runtime.hpp"
#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/dead_code.hpp"

namespace sojourn::vm {

/// Translates one function; see translate(). The instructions are walked in order; code that cannot
/// be reached is left out, so that the height of the operand stack is always exact.
class FunctionTranslator {
public:
    /// Borrows all of them. Requires: the function was validated.
    FunctionTranslator(Runtime& runtime, const Instance& instance, const Function& function,
                       const HandlerTable& handlers);

    Translation translate() &&;

private:
    /// A block, loop, if, try or the function itself.
    struct Block {
        Opcode opcode;
        BlockType type;
        std::uint32_t height = 0;  ///< of the operand stack below its parameters
        Label label{};             ///< a loop's head, else the end
        Label else_label{};        ///< of an if
        std::uint32_t begin = 0;   ///< code offset of its first instruction; 0 of the function
        std::optional<TryRegion> guarded{};       ///< of a try_table: its region, until it ends
        std::optional<std::size_t> try_region{};  ///< of a legacy try, once it has a clause

        [[nodiscard]] bool is_loop() const { return opcode == Opcode::loop; }
    };

    /// What a conditional branch looks at.
    struct Condition {
        std::optional<CodeBuilder::Plain> swallowed;
        std::uint16_t slot = 0;  ///< when nothing is swallowed
        bool is_negated = false;
    };

    void step(const Instruction& instruction);

    // Control: function_translator_control.cpp.
    bool step_control(const Instruction& instruction);
    void open_block(const Instruction& instruction);
    void open_loop(const Instruction& instruction);
    void open_if(const Instruction& instruction);
    void switch_to_else();
    void close_block();
    void branch_to(std::uint32_t depth);
    void branch_if(std::uint32_t depth);
    void branch_by_table(const Instruction& instruction);
    /// To `target`, if what `emit_when(expected, label)` branches on is as expected: true where the
    /// operands lie in place already; else they are carried behind a branch on false.
    template <typename EmitWhen>
    void branch_carrying(Block& target, const EmitWhen& emit_when);
    /// Whether the operands that a branch to it carries lie where it wants them.
    [[nodiscard]] bool is_in_place(const Block& target) const;
    void emit_branch_when_null(std::uint16_t reference, bool expected, Label& label);
    void branch_on_null(std::uint32_t depth);
    void branch_on_non_null(std::uint32_t depth);
    void return_top();
    Condition take_condition();
    void emit_branch_when(const Condition& condition, bool expected, Label& label);
    Block& block_at(std::uint32_t depth) { return blocks_[blocks_.size() - 1 - depth]; }
    /// How many operands a branch to it carries.
    [[nodiscard]] std::uint32_t arity_of(const Block& block) const;

    void call(const Instruction& instruction);
    void call_indirect(const Instruction& instruction);
    void tail_call(const Instruction& instruction);
    void tail_call_indirect(const Instruction& instruction);
    void call_reference(const Instruction& instruction);
    void tail_call_reference(const Instruction& instruction);
    /// Where a call finds its arguments and what says whom it calls, all of them settled.
    struct Call {
        std::uint16_t arguments;
        std::uint16_t callee;
    };
    /// Of the type that an indirect call names.
    [[nodiscard]] std::uint32_t type_id(const Instruction& instruction) const;
    Call begin_indirect_call(SafepointKind kind, const FunctionType& type);
    [[nodiscard]] std::uint64_t position() const;

    // Exceptions: function_translator_exception.cpp.
    bool step_exception(const Instruction& instruction);
    void open_try(const Instruction& instruction);
    void open_try_table(const Instruction& instruction);
    [[nodiscard]] CatchClause clause_of(const Catch& clause);
    void switch_to_catch(const Instruction& instruction);
    void close_delegating(std::uint32_t depth);
    void throw_new(const Instruction& instruction);
    void throw_reference(std::uint16_t slot);
    /// Puts what is left at the end of a block where its results belong.
    void settle_results(const Block& block);
    /// At the end of an arm of `block`: behind the block, if the end can be reached.
    void leave_arm(Block& block);

    // Values.
    void plain(Opcode opcode);
    void plain_binary(Opcode opcode);
    bool emit_pair(std::uint16_t slot, Opcode opcode, Form form, std::uint32_t other);
    void on_vectors(const Instruction& instruction);
    void emit_on_vectors(Opcode opcode, std::uint16_t to, std::uint16_t first, std::uint16_t second,
                         std::uint16_t third);
    /// An operand for the result of an instruction whose row says its type.
    std::uint16_t push_result(Opcode opcode) {
        return stack_.push_slot(slots_of(*info_of(opcode).signature.result));
    }
    /// Where a load or store goes to, as its operation says it.
    struct Place {
        Form form;
        std::uint16_t base;
        std::uint32_t immediate;
    };
    /// Pops the address.
    Place take_place(std::uint64_t offset);
    /// Takes back the addition that made a popped address in `slot`, so that an access can do it.
    std::optional<Place> take_sum(std::uint16_t slot, std::uint64_t offset);
    void access(const Instruction& instruction);
    void load(const Instruction& instruction);
    void store(const Instruction& instruction);
    void emit_load(Opcode opcode, const Place& place, std::uint64_t offset, std::uint16_t to);
    void emit_store(Opcode opcode, const Place& place, std::uint64_t offset, std::uint16_t value);
    void load_lanes(const Instruction& instruction, const VectorAccess& access);
    void store_lane(const Instruction& instruction, const VectorAccess& access);
    void set_local(std::uint32_t index, bool keeps_value);
    [[nodiscard]] std::uint32_t width_of_local(std::uint32_t index) const {
        return std::uint32_t{local_slots_[index + 1]} - local_slots_[index];
    }
    void select();
    bool step_variable(const Instruction& instruction);
    bool step_memory(const Instruction& instruction);
    bool step_table(const Instruction& instruction);
    bool step_vector(const Instruction& instruction);
    void emit_on_three(Handler handler, std::uint32_t immediate);
    /// Memories or tables of the instance.
    void extend_with(const void* first, const void* second = nullptr);

    Runtime& runtime_;
    const Instance& instance_;
    const Module& module_;
    const Function& function_;
    bool is_64_bit_ = false;  ///< the memory of the access at hand
    CodeBuilder code_;
    OperandStack stack_;
    std::vector<std::uint16_t> local_slots_;  ///< of each local its first slot; then one past all
    std::vector<Block> blocks_;
    bool is_reachable_ = true;
    DeadCode dead_code_;
    std::uint32_t code_offset_ = 0;  ///< of the instruction at hand
};

}  // namespace sojourn::vm
