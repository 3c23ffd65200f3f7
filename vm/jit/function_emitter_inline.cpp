#include "vm/jit/function_emitter.hpp"

/// Calls of functions that are small, whose code becomes a part of the caller's.
///
/// Nothing of it can be seen in the frames: the callee has its own, which is written, after those
/// of its callers, when it calls or pauses. Most never do.
namespace sojourn::vm::jit {

namespace {

/// Of the callee's code, in bytes.
constexpr std::uint32_t kInlineeBytesMax = 120;
/// Of all that becomes part of one function.
constexpr std::uint32_t kInlinedBytesMax = 1200;
/// How often a function is a part of itself: the calls in between cost next to nothing.
constexpr std::uint32_t kRecursionMax = 6;
constexpr std::uint32_t kDepthMax = 8;

}  // namespace

FunctionEmitter::FunctionEmitter(FunctionEmitter& caller, const CompileUnit& unit,
                                 const BodySurvey& survey)
    : caller_(&caller),
      first_mark_(static_cast<std::uint32_t>(caller.in_frame_.size())),
      unit_(unit),
      module_(unit.module),
      type_(module_.function_type(unit.function.type_index)),
      survey_(survey),
      layout_(module_),
      ir_(caller.ir_),
      made_(caller.made_),
      context_(caller.context_),
      safepoints_(caller.safepoints_),
      in_frame_(caller.in_frame_) {
    slots_ = ir_.slot_address(caller.slots_, caller.slot_count(caller.height()));
    frame_ = ir_.at(caller.frame_, sizeof(FrameState));
    in_frame_.resize(first_mark_ + mark_count());
    for (const ValueType type : survey_.locals)
        locals_.push_back(new_variable(ir_.type_of(type)));
}

bool FunctionEmitter::inline_call(std::uint32_t function_index) {
    if (!outermost().is_begun_ || is_too_deep(function_index)) return false;
    const Inlinee* const inlinee = outermost().inlinee(function_index);
    if (inlinee == nullptr) return false;
    const std::uint32_t bytes = inlinee->function.end_offset - inlinee->function.code_offset;
    if (outermost().inlined_bytes_ + bytes > kInlinedBytesMax) return false;
    outermost().inlined_bytes_ += bytes;

    const FunctionType& type = module_.type_of_function(function_index);
    std::vector<llvm::Value*> arguments;
    for (std::size_t i = 0; i < type.parameters.size(); ++i)
        arguments.push_back(pop());
    std::ranges::reverse(arguments);
    in_frame_[mark_of_position()] = false;
    const CompileUnit unit{module_, inlinee->function, function_index, unit_.is_unwanted,
                           unit_.validated};
    FunctionEmitter callee(*this, unit, inlinee->survey);
    trap_if(callee.is_stack_exhausted(), Trap::stack_exhausted);
    callee.set_locals(arguments);
    callee.emit_instructions();
    std::copy_n(callee.in_frame_.begin(), in_frame_.size(), in_frame_.begin());
    is_reachable_ = callee.is_reachable_;
    for (std::size_t i = 0; is_reachable_ && i < type.results.size(); ++i)
        push(type.results[i], callee.inlined_results_[i]);
    return true;
}

bool FunctionEmitter::is_too_deep(std::uint32_t function_index) const {
    std::uint32_t depth = 0;
    std::uint32_t recursion = 0;
    for (const FunctionEmitter* at = this; at != nullptr; at = at->caller_) {
        ++depth;
        if (at->unit_.function_index == function_index) ++recursion;
    }
    return depth > kDepthMax || recursion > kRecursionMax;
}

const FunctionEmitter::Inlinee* FunctionEmitter::inlinee(std::uint32_t function_index) {
    const auto [found, is_new] = inlinees_.try_emplace(function_index);
    std::optional<Inlinee>& inlinee = found->second;
    if (is_new && function_index >= module_.imported_functions) {
        const Function& function = module_.functions[function_index];
        if (function.end_offset - function.body_offset > kInlineeBytesMax) return nullptr;
        auto validated = unit_.validated(function_index);
        if (!validated.ok()) return nullptr;
        BodySurvey survey = jit::survey(module_, *validated);
        if (survey.refusal.empty() && survey.can_be_inlined)
            inlinee.emplace(std::move(*validated), std::move(survey));
    }
    return inlinee ? &*inlinee : nullptr;
}

}  // namespace sojourn::vm::jit
