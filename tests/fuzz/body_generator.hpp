#pragma once

#include "tests/fuzz/module_shape.hpp"

namespace sojourn::fuzz {

/// Makes a function's body, one instruction of the table after the other. The types of the
/// operand stack are known at each place: what an instruction wants and does not find there is put
/// there first; what is left over at the end of a block goes into kDigestGlobal, so that somebody
/// sees it.
///
/// Each call and each turn of a loop takes one of the fuel in kFuelGlobal, and `unreachable` is
/// met when there is none. A NaN that was computed is made the canonical one at once. Borrows the
/// shape and the dialect.
class BodyGenerator {
public:
    BodyGenerator(const ModuleShape& shape, const Dialect& dialect, Bytes choices);

    /// From the local declarations to the last `end`.
    test::Raw generate(std::uint32_t function);

private:
    using Types = std::vector<vm::ValueType>;

    struct Block {
        vm::Opcode opcode = vm::Opcode::block;
        std::size_t height = 0;  ///< of the stack below its parameters
        Types parameters{};
        Types results{};

        [[nodiscard]] const Types& label_types() const {
            return opcode == vm::Opcode::loop ? parameters : results;
        }
        [[nodiscard]] bool has_caught() const {
            return opcode == vm::Opcode::catch_ || opcode == vm::Opcode::catch_all;
        }
    };

    std::uint32_t below(std::size_t count) { return choose(choices_, count); }
    bool one_in(std::size_t count) { return below(count) + 1 == count; }
    vm::ValueType any_type() { return choose_of(choices_, value_types_); }
    std::uint32_t any_function() { return below(shape_.functions.size()); }

    void declare_locals(std::uint32_t function);
    void set_locals();
    /// Meets `unreachable` when there is none.
    void burn_fuel();
    void step();

    // The operand stack.
    [[nodiscard]] std::size_t floor() const { return blocks_.back().height; }
    void push(vm::ValueType type) { stack_.push_back(type); }
    void push_all(const Types& types) { stack_.insert(stack_.end(), types.begin(), types.end()); }
    void take(std::size_t count) { stack_.resize(stack_.size() - count); }
    [[nodiscard]] bool is_on_top(vm::ValueType type) const {
        return stack_.size() > floor() && stack_.back() == type;
    }
    void push_value(vm::ValueType type);
    /// Sees to it that these are on top.
    void provide(const Types& types);
    void provide_and_take(const Types& types) {
        provide(types);
        take(types.size());
    }
    /// Takes what is on top into the digest.
    void digest_top();
    /// The same of an i64 that is no operand any more.
    void digest();
    /// Nothing follows in this block.
    void cut() { stack_.resize(floor()); }
    /// The block's operands become exactly these.
    void settle(const Types& types);

    // Instructions whose row says their types: body_generator_plain.cpp.
    void plain(vm::Opcode opcode);
    void plain_on(vm::Opcode opcode, const vm::Signature& signature);
    /// So that most divisions and conversions do not trap.
    void tame_operand(vm::ValueType type);
    void make_canonical(vm::Opcode opcode);
    void access(vm::Opcode opcode);
    void add_memarg(vm::Opcode opcode, std::uint32_t memory);
    void push_address(std::uint32_t memory);
    void push_number(vm::ValueType type, std::uint64_t below);
    void on_memory(vm::Opcode opcode);

    // The others: body_generator_context.cpp.
    void by_context(vm::Opcode opcode);
    void on_variable(vm::Opcode opcode);
    void on_reference(vm::Opcode opcode);
    void on_table(vm::Opcode opcode);
    void select(bool is_typed);
    void copy_memory();

    // Control: body_generator_control.cpp.
    void control(vm::Opcode opcode);
    void enter(vm::Opcode opcode);
    /// Fills in what the block takes and gives; the type as it is written.
    test::Raw choose_block_type(Block& block);
    void add_catches();
    void close();
    void next_arm(vm::Opcode opcode);
    void delegate();
    void rethrow();
    void throw_chosen();
    void branch(vm::Opcode opcode);
    void branch_by_table();
    void branch_on_null(vm::Opcode opcode);
    void call(vm::Opcode opcode);

    const ModuleShape& shape_;
    const Dialect& dialect_;
    Input choices_;
    Types value_types_;
    std::vector<vm::Opcode> scalar_;  ///< those of the dialect, by what they are about
    std::vector<vm::Opcode> vector_;
    std::vector<vm::Opcode> contextual_;
    Code code_;
    Types locals_;
    std::size_t usable_locals_ = 0;  ///< behind them, one of each type for our own use
    Types stack_;
    std::vector<Block> blocks_;

    [[nodiscard]] std::uint32_t scratch(vm::ValueType type) const;
};

}  // namespace sojourn::fuzz
