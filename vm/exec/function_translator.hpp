#pragma once

#include "vm/exec/operand_stack.hpp"
#include "vm/exec/runtime.hpp"
#include "vm/wasm/code_reader.hpp"

namespace sojourn::vm {

/// Translates one function; see translate(). The instructions are walked in order; code that cannot
/// be reached is left out, so that the height of the operand stack is always exact.
class FunctionTranslator {
public:
    FunctionTranslator(Runtime& runtime, const Instance& instance, std::uint32_t function_index,
                       const HandlerTable& handlers);

    Translation translate() &&;

private:
    /// A block, loop, if or the function itself.
    struct Block {
        Opcode opcode;
        std::uint32_t height;  ///< of the operand stack below its parameters
        std::uint32_t parameter_count;
        std::uint32_t result_count;
        Label label;       ///< a loop's head, else the end
        Label else_label;  ///< of an if

        [[nodiscard]] bool is_loop() const { return opcode == Opcode::loop; }
        /// How many operands a branch to it carries.
        [[nodiscard]] std::uint32_t arity() const {
            return is_loop() ? parameter_count : result_count;
        }
    };

    /// What a conditional branch looks at.
    struct Condition {
        std::optional<CodeBuilder::Plain> swallowed;
        std::uint16_t slot = 0;  ///< when nothing is swallowed
        bool is_negated = false;
    };

    void step(const Instruction& instruction);
    void skip(const Instruction& instruction);

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
    void return_top();
    Condition take_condition();
    void emit_branch_when(const Condition& condition, bool expected, Label& label);
    Block& block_at(std::uint32_t depth) { return blocks_[blocks_.size() - 1 - depth]; }

    void call(const Instruction& instruction);
    void call_indirect(const Instruction& instruction);
    void tail_call(const Instruction& instruction);
    void tail_call_indirect(const Instruction& instruction);
    /// Where a call finds its arguments and a table's index, all of them settled.
    struct Call {
        std::uint16_t arguments;
        std::uint16_t index;
    };
    Call begin_indirect_call(SafepointKind kind, const FunctionType& type);
    [[nodiscard]] std::uint64_t position() const;

    // Values.
    void plain(Opcode opcode);
    void plain_binary(Opcode opcode);
    bool emit_pair(std::uint16_t slot, Opcode opcode, Form form, std::uint32_t other);
    /// Where a load or store goes to, as its operation says it.
    struct Place {
        Form form;
        std::uint16_t base;
        std::uint32_t immediate;
    };
    /// Pops the address.
    Place take_place(std::uint64_t offset);
    /// Takes back the addition that made a popped address, so that an access can do it.
    std::optional<Operation> take_index(const TakenOperand& address, std::uint64_t offset);
    void access(const Instruction& instruction);
    void load(const Instruction& instruction);
    void store(const Instruction& instruction);
    void set_local(std::uint16_t local, bool keeps_value);
    void select();
    bool step_variable(const Instruction& instruction);
    bool step_memory(const Instruction& instruction);
    bool step_table(const Instruction& instruction);
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
    std::vector<Block> blocks_;
    bool is_reachable_ = true;
    std::uint32_t skipped_blocks_ = 0;  ///< opened since the code became unreachable
    std::uint32_t code_offset_ = 0;     ///< of the instruction at hand
};

}  // namespace sojourn::vm
