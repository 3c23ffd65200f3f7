#pragma once

#include <optional>
#include <vector>

#include "vm/exec/reference.hpp"
#include "vm/jit/body_survey.hpp"
#include "vm/jit/ir.hpp"
#include "vm/trap.hpp"
#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/dead_code.hpp"
#include "vm/wasm/meaning.hpp"

namespace sojourn::vm::jit {

/// Makes the code of one function, or of what is left of it from a loop on.
///
/// Locals and operands are variables on the host's stack here, which LLVM turns into values. The
/// frame holds them where it has to: before a call everything that is not there yet is written,
/// at a loop's head only by the block that pauses. `in_frame_` says what is there already, on every
/// way that leads to the place at hand.
class FunctionEmitter {
public:
    FunctionEmitter(Ir& ir, const CompileUnit& unit, const BodySurvey& survey);

    /// A function of body_type(), or of entry_type() when the unit begins at a loop.
    llvm::Function* emit(const std::string& name);

private:
    /// For a function that `caller` calls where it stands: its code is to be a part of the
    /// caller's.
    FunctionEmitter(FunctionEmitter& caller, const CompileUnit& unit, const BodySurvey& survey);

    struct Operand {
        ValueType type;
        std::uint32_t slot;            ///< in the frame
        llvm::Value* value = nullptr;  ///< nullptr: in its variable
    };

    /// A block, loop, if or the function itself.
    struct Block {
        Opcode opcode;
        BlockType type;
        std::uint32_t height;                    ///< of the operand stack below its parameters
        llvm::BasicBlock* target;                ///< a loop's head, else the end
        llvm::BasicBlock* otherwise = nullptr;   ///< of an if, until its else
        std::vector<bool> in_frame_otherwise{};  ///< there
        std::optional<std::vector<bool>> in_frame_at_end{};  ///< nullopt: nothing leads there yet

        [[nodiscard]] bool is_loop() const { return opcode == Opcode::loop; }
    };

    // The function's beginning: function_emitter.cpp.
    void begin_whole();
    void begin_at_loop();
    /// The parameters to these, the other locals to zero.
    void set_locals(std::span<llvm::Value* const> arguments);
    void check_stack();
    /// For its slots and its frame.
    llvm::Value* is_stack_exhausted();
    void emit_instructions();
    void step(const Instruction& instruction);
    bool step_variable(const Instruction& instruction);
    bool step_reference(const Instruction& instruction);

    // Operands and the frame: function_emitter_values.cpp.
    void push(ValueType type, llvm::Value* value);
    llvm::Value* pop();
    llvm::Value* peek();
    /// Of the operand that has `height` operands below it.
    llvm::Value* value_of(std::uint32_t height);
    void drop_to(std::uint32_t height);
    /// Puts all operands into their variables.
    void settle();
    void push_from_variables(std::span<const ValueType> types);
    llvm::AllocaInst* variable(std::uint32_t height, ValueType type);
    llvm::AllocaInst* new_variable(llvm::Type* type);
    [[nodiscard]] std::uint32_t height() const {
        return static_cast<std::uint32_t>(operands_.size());
    }
    /// The slots that locals and so many operands take.
    [[nodiscard]] std::uint32_t slot_count(std::uint32_t operand_count) const;
    [[nodiscard]] std::uint32_t local_count() const {
        return static_cast<std::uint32_t>(survey_.locals.size());
    }
    // Where in_frame_ has what of this function.
    [[nodiscard]] std::uint32_t mark_of_local(std::uint32_t index) const {
        return first_mark_ + index;
    }
    [[nodiscard]] std::uint32_t mark_of(std::uint32_t height) const {
        return first_mark_ + local_count() + height;
    }
    [[nodiscard]] std::uint32_t mark_of_identity() const { return first_mark_ + mark_count() - 2; }
    /// That of an inlined call.
    [[nodiscard]] std::uint32_t mark_of_position() const { return first_mark_ + mark_count() - 1; }
    [[nodiscard]] std::uint32_t mark_count() const {
        return unit_.function.local_slots + unit_.function.operand_slots_max + 2;
    }
    /// Writes what the frame does not hold of its identity, the locals and the first
    /// `operand_count` operands, and all that the callers' frames do not hold.
    void write_frame(std::uint32_t operand_count);
    void write_frame(std::uint32_t operand_count, const std::vector<bool>& in_frame);
    void write_frame_of_caller(const std::vector<bool>& in_frame);
    /// From here on the frame holds them.
    void note_written(std::uint32_t operand_count);
    void write_position(std::uint32_t operand_count);
    void write_identity();

    // Control: function_emitter_control.cpp.
    bool step_control(const Instruction& instruction);
    void open_block(const Instruction& instruction, llvm::BasicBlock* target);
    void open_loop(const Instruction& instruction);
    /// Writes what the loop at hand does not change.
    void write_before(const BodySurvey::Loop& loop);
    /// The unit begins with that block, with what the frame holds.
    void enter_at(llvm::BasicBlock* block);
    void open_if(const Instruction& instruction);
    void switch_to_else();
    void close_block();
    /// Carries what it takes there, and branches.
    void go_to(Block& target);
    void arrive_at(Block& target);
    void branch_to(std::uint32_t depth);
    void branch_if(llvm::Value* condition, std::uint32_t depth);
    void branch_by_table(const Instruction& instruction);
    void branch_on_null(const Instruction& instruction);
    void emit_return();
    /// A body's only result.
    void return_only(llvm::Value* result);
    /// What there is lies in the first slots.
    void return_from_slots();
    /// Or it begins at a loop, and only the machine calls it.
    [[nodiscard]] bool is_body() const { return unit_.loop_offset == 0; }
    [[nodiscard]] std::span<const ValueType> label_types(const Block& block) const;
    Block& block_at(std::uint32_t depth) { return blocks_[blocks_.size() - 1 - depth]; }

    // Exceptions: function_emitter_exception.cpp.
    bool step_exception(const Instruction& instruction);
    void open_try_table(const Instruction& instruction);
    void switch_to_catch(const Instruction& instruction);
    void throw_new(const Instruction& instruction);
    void throw_again(llvm::Value* reference);
    /// Completes the frame and calls a helper that does not come back.
    void leave_by(std::size_t helper_offset, llvm::ArrayRef<llvm::Value*> arguments);

    // Safepoints: function_emitter_safepoint.cpp.
    void poll();
    llvm::Value* is_pause_wanted();
    /// Pauses, unless it is not wanted after all. `count` has this safepoint.
    void pause(llvm::Value* count);
    /// The safepoint at a loop's head, which begins here. Gives the block in which it has happened.
    llvm::BasicBlock* begin_iteration(const BodySurvey::Loop& loop, llvm::BasicBlock* head);
    /// The same of a loop around the loop, which looks whether a pause is wanted for so many
    /// iterations at once. In the block it gives, the iteration that begins is not counted yet.
    llvm::BasicBlock* begin_chunk(std::uint32_t iterations, llvm::BasicBlock* head);
    /// From the safepoint that was counted last: a chunk of one iteration.
    void go_through_once();
    llvm::Value* load_count() { return ir_.CreateLoad(ir_.getInt64Ty(), safepoints_); }
    llvm::Value* count_of_machine() {
        return ir_.context_address(context_, ContextLayout::kSafepoints);
    }
    /// To the machine, before it is called.
    void give_count() { ir_.store(load_count(), count_of_machine(), Space::poll); }
    void take_count() {
        ir_.CreateStore(ir_.load(ir_.getInt64Ty(), count_of_machine(), Space::poll), safepoints_);
    }

    // Calls: function_emitter_call.cpp.
    struct Call {
        const FunctionType& type;
        llvm::Value* selector;  ///< of an indirect call; else nullptr
        std::vector<llvm::Value*> arguments;
        std::uint64_t position;  ///< of the frame before the call
        llvm::Value* slots = nullptr;
    };
    bool step_call(const Instruction& instruction);
    void call_known(const Instruction& instruction);
    void call_looked_up(const Instruction& instruction);
    struct Callee {
        llvm::Value* function;
        llvm::Value* context;
    };
    /// What the selector of a call_indirect or call_ref calls: the machine looks for it unless it
    /// is a function of this instance and of just that type.
    Callee look_up(const Instruction& instruction, llvm::Value* selector);
    llvm::Value* context_of(llvm::Value* function);
    /// Takes the arguments, and says in the frame where it stands.
    Call begin_call(const FunctionType& type, llvm::Value* selector);
    void finish_call(const Instruction& instruction, const Call& call, llvm::Value* callee,
                     llvm::Value* context);
    void call_itself(const Instruction& instruction, const Call& call);
    /// With all that is left when the arguments are taken.
    void complete_frame();
    /// `context` is nullptr when only the callee knows its own.
    void call_any(const Call& call, llvm::Value* callee, llvm::Value* context);
    /// Its only result.
    llvm::Value* call_body(const Call& call, llvm::Value* body, llvm::Value* context);
    /// What begin_call() took, where the callee's frame begins.
    void write_arguments(const Call& call);
    void push_results(const Call& call, llvm::Value* only);

    // Calls that become code of the caller: function_emitter_inline.cpp.
    struct Inlinee {
        Function function;
        BodySurvey survey;
    };
    /// False: it is not done with that function here.
    bool inline_call(std::uint32_t function_index);
    /// nullptr: it is not inlined anywhere.
    const Inlinee* inlinee(std::uint32_t function_index);
    [[nodiscard]] bool is_too_deep(std::uint32_t function_index) const;
    [[nodiscard]] const FunctionEmitter& outermost() const {
        return caller_ == nullptr ? *this : caller_->outermost();
    }
    FunctionEmitter& outermost() { return caller_ == nullptr ? *this : caller_->outermost(); }

    // Tail calls: function_emitter_tail_call.cpp.
    /// The callee's frame takes the place of this one. `context` as for call_any().
    void tail_call(const Call& call, llvm::Value* callee, llvm::Value* context);
    void tail_call_body(const Call& call, llvm::Value* body, llvm::Value* context);

    // Traps: function_emitter_call.cpp.
    void trap(Trap kind);
    void trap_if(llvm::Value* condition, Trap kind);
    /// Of what a helper gives that can trap: 0, or the Trap + 1.
    void trap_if_any(llvm::Value* outcome);
    void trap_with(llvm::Value* place);
    [[nodiscard]] std::uint64_t place_of(Trap kind) const {
        return std::uint64_t{code_offset_} << 8U | static_cast<std::uint8_t>(kind);
    }

    // Memories and tables: function_emitter_memory.cpp.
    /// Pops the index; traps when the access does not fit.
    llvm::Value* guest_address(const Instruction& instruction);
    void load(const Instruction& instruction);
    void store(const Instruction& instruction);
    void access(const Instruction& instruction);
    bool step_memory(const Instruction& instruction);
    bool step_table(const Instruction& instruction);
    /// An address, index or count, of either width.
    llvm::Value* pop_word();
    void push_word(ValueType type, llvm::Value* word);
    /// What a helper is given: `first`, then three popped words. It may trap.
    void on_three(std::size_t helper_offset, std::vector<llvm::Value*> first);
    llvm::Value* helper(std::size_t offset, llvm::ArrayRef<llvm::Value*> arguments);

    // Instructions on vectors: function_emitter_vector.cpp.
    bool step_vector(const Instruction& instruction);
    void on_vectors(const Instruction& instruction);
    /// A load or store of less than a vector.
    void load_lanes(const Instruction& instruction, const VectorAccess& access);
    void store_lane(const Instruction& instruction, const VectorAccess& access);

    // Plain instructions: function_emitter_integer.cpp, function_emitter_float.cpp.
    void plain(Opcode opcode);
    /// nullptr when it is not one of these.
    llvm::Value* compare_integers(Opcode opcode, llvm::Value* a, llvm::Value* b);
    llvm::Value* integer(Opcode opcode, llvm::Value* a, llvm::Value* b);
    llvm::Value* divide(Opcode opcode, llvm::Value* a, llvm::Value* b);
    llvm::Value* compare_floats(Opcode opcode, llvm::Value* a, llvm::Value* b);
    llvm::Value* floating(Opcode opcode, llvm::Value* a, llvm::Value* b);
    llvm::Value* convert(Opcode opcode, llvm::Value* a);
    llvm::Value* truncate(Opcode opcode, llvm::Value* a);
    llvm::Value* checked_truncation(llvm::Value* a, bool is_signed, llvm::Type* to);
    llvm::Value* from_condition(llvm::Value* condition) {
        return ir_.CreateZExt(condition, ir_.getInt32Ty());
    }
    llvm::Value* is_true(llvm::Value* number) { return ir_.CreateICmpNE(number, ir_.getInt32(0)); }

    FunctionEmitter* const caller_ = nullptr;  ///< whose code it becomes a part of
    const std::uint32_t first_mark_ = 0;       ///< of its own in in_frame_
    const CompileUnit& unit_;
    const Module& module_;
    const FunctionType& type_;
    const BodySurvey& survey_;
    const ContextLayout layout_;
    Ir& ir_;
    llvm::Function* made_ = nullptr;
    llvm::Value* context_ = nullptr;
    llvm::Value* slots_ = nullptr;
    llvm::Value* frame_ = nullptr;
    llvm::AllocaInst* safepoints_ = nullptr;  ///< how many there were
    llvm::AllocaInst* chunk_end_ = nullptr;   ///< of the loop at hand: the count to look again at
    std::vector<llvm::AllocaInst*> locals_;
    std::vector<std::array<llvm::AllocaInst*, 5>> variables_;  ///< of operands: by height and type
    std::vector<Operand> operands_;
    /// First the callers', then of the locals, the operands, the identity and the position.
    std::vector<bool> in_frame_;
    std::vector<llvm::Value*> inlined_results_;
    std::map<std::uint32_t, std::optional<Inlinee>> inlinees_;  ///< of the outermost
    std::uint32_t inlined_bytes_ = 0;                           ///< in the outermost
    bool is_begun_ = true;  ///< false: before the loop that the code begins at
    std::vector<Block> blocks_;
    llvm::BasicBlock* trap_block_ = nullptr;
    llvm::PHINode* trap_place_ = nullptr;
    bool is_reachable_ = true;
    DeadCode dead_code_;
    std::uint32_t code_offset_ = 0;  ///< of the instruction at hand
};

}  // namespace sojourn::vm::jit
