#include "vm/jit/body_survey.hpp"

#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/meaning.hpp"

namespace sojourn::vm::jit {

namespace {

/// Beyond these a function costs more to compile than it can give back.
constexpr std::uint32_t kBodyBytesMax = 64U << 10U;
constexpr std::uint32_t kSlotsMax = 4096;

bool is_call(Opcode opcode) {
    switch (opcode) {
        case Opcode::call:
        case Opcode::call_indirect:
        case Opcode::call_ref:
        case Opcode::return_call:
        case Opcode::return_call_indirect:
        case Opcode::return_call_ref:
            return true;
        default:
            return false;
    }
}

/// Whether it needs a frame of its own on the host's stack, or unwinds frames.
bool leaves_otherwise(Opcode opcode) {
    switch (opcode) {
        case Opcode::return_call:
        case Opcode::return_call_indirect:
        case Opcode::return_call_ref:
        case Opcode::try_:
        case Opcode::try_table:
        case Opcode::throw_:
        case Opcode::throw_ref:
        case Opcode::rethrow:
            return true;
        default:
            return false;
    }
}

/// Whether the machine may take its time over it.
bool is_bulk(Opcode opcode) {
    switch (opcode) {
        case Opcode::memory_init:
        case Opcode::memory_copy:
        case Opcode::memory_fill:
        case Opcode::memory_grow:
        case Opcode::table_init:
        case Opcode::table_copy:
        case Opcode::table_fill:
        case Opcode::table_grow:
            return true;
        default:
            return false;
    }
}

class Surveyor {
public:
    Surveyor(const Module& module, const Function& function)
        : module_(module), function_(function) {}

    BodySurvey survey() && {
        const FunctionType& type = module_.function_type(function_.type_index);
        survey_.locals = type.parameters;
        for (const auto& [count, local] : function_.local_runs)
            survey_.locals.insert(survey_.locals.end(), count, local);
        if (function_.end_offset - function_.code_offset > kBodyBytesMax) refuse("it is too long");
        if (function_.local_slots + function_.operand_slots_max > kSlotsMax)
            refuse("it has too many values");
        CodeReader reader(module_, function_);
        while (survey_.refusal.empty() && reader.offset() < function_.end_offset)
            look_at(reader.next());
        return std::move(survey_);
    }

private:
    void refuse(std::string why) {
        if (survey_.refusal.empty()) survey_.refusal = std::move(why);
    }

    void look_at(const Instruction& instruction) {
        const Opcode opcode = instruction.opcode;
        if (is_call(opcode)) survey_.calls = true;
        if (leaves_otherwise(opcode)) survey_.can_be_inlined = false;
        if (is_call(opcode) || is_bulk(opcode)) note_call();
        switch (opcode) {
            case Opcode::loop:
                open_loop(instruction.offset);
                break;
            case Opcode::block:
            case Opcode::if_:
            case Opcode::try_:
            case Opcode::try_table:
                blocks_.push_back(kNoLoop);
                break;
            case Opcode::delegate:
            case Opcode::end:
                close_block(instruction.offset);
                break;
            case Opcode::local_set:
            case Opcode::local_tee:
                note_set(instruction.index);
                break;
            default:
                break;
        }
    }

    void open_loop(std::uint32_t offset) {
        for_each_loop([](BodySurvey::Loop& around) { around.is_innermost = false; });
        survey_.loops[offset].sets.resize(survey_.locals.size());
        blocks_.push_back(offset);
    }

    void close_block(std::uint32_t end) {
        if (blocks_.empty()) return;
        if (blocks_.back() != kNoLoop) survey_.loops[blocks_.back()].bytes = end - blocks_.back();
        blocks_.pop_back();
    }

    void note_set(std::uint32_t local) {
        for_each_loop([&](BodySurvey::Loop& loop) { loop.sets[local] = true; });
    }

    void note_call() {
        for_each_loop([](BodySurvey::Loop& loop) { loop.calls = true; });
    }

    /// That the instruction at hand is in.
    template <typename Note>
    void for_each_loop(Note note) {
        for (const std::uint32_t loop : blocks_) {
            if (loop != kNoLoop) note(survey_.loops[loop]);
        }
    }

    static constexpr std::uint32_t kNoLoop = 0;

    const Module& module_;
    const Function& function_;
    BodySurvey survey_;
    std::vector<std::uint32_t> blocks_;  ///< a loop's offset, or kNoLoop
};

}  // namespace

BodySurvey survey(const Module& module, const Function& function) {
    return Surveyor(module, function).survey();
}

}  // namespace sojourn::vm::jit
