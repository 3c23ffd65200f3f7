#include "vm/checkpoint/restore_parts.hpp"
#include "vm/exec/interpreter.hpp"

namespace sojourn::vm {

namespace {

/// Checks the frames of a thread, the bottom one first.
class FrameChecker {
public:
    FrameChecker(Runtime& runtime, const Thread& thread, std::span<const FrameState> frames)
        : runtime_(runtime), thread_(thread), frames_(frames) {}

    /// The slots of all frames. Errors: corrupt.
    Result<std::uint64_t> check() {
        for (index_ = 0; index_ < frames_.size(); ++index_) {
            LinkedFunction& function = *TRY(function_of_frame());
            TRY(check_stack_limit(function));
            const bool is_top = index_ + 1 == frames_.size();
            if (function.instance == nullptr) {
                TRY(check_host_frame(function));
            } else if (is_top) {
                TRY(check_top(function));
            } else {
                TRY(check_caller(function));
            }
            slot_count_ += frame().slot_count;
        }
        return slot_count_;
    }

private:
    const FrameState& frame() const { return frames_[index_]; }

    template <typename... Args>
    Error refuse(fmt::format_string<Args...> format, Args&&... args) const {
        return fail(ErrorCode::corrupt, "frame {}: {}", index_,
                    fmt::format(format, std::forward<Args>(args)...));
    }

    Result<LinkedFunction*> function_of_frame() {
        const auto& [instance, function_index, code_offset, slot_count] = frame();
        if (instance >= runtime_.instances.size()) {
            return refuse("there is no instance {}", instance);
        }
        const auto& functions = runtime_.instances[instance]->functions;
        if (function_index >= functions.size()) {
            return refuse("instance {} has no function {}", instance, function_index);
        }
        LinkedFunction* function = functions[function_index];
        if (!is_of(*function, frame())) {
            return refuse("function {} belongs to another instance", function_index);
        }
        if (function->instance != nullptr) TRY(translate_once(runtime_, *function));
        return function;
    }

    static bool is_of(const LinkedFunction& function, const FrameState& frame) {
        return function.identity.instance == frame.instance &&
               function.identity.function_index == frame.function_index;
    }

    Result<void> check_stack_limit(const LinkedFunction& function) const {
        const std::uint64_t bytes = slot_count_ * sizeof(std::uint64_t) + function.slot_bytes_max +
                                    (index_ + 1) * sizeof(FrameState);
        if (bytes <= thread_.stack_bytes_max) return {};
        return refuse("the stack has {} bytes, at most {} are allowed", bytes,
                      thread_.stack_bytes_max);
    }

    Result<void> check_host_frame(const LinkedFunction& function) const {
        if (frames_.size() != 1) return refuse("a host function has no frame among others");
        return expect_position({0, function.parameter_slots});
    }

    Result<void> check_top(LinkedFunction& function) {
        const Safepoint* safepoint = find_safepoint(function);
        if (safepoint != nullptr) {
            return expect_position({safepoint->code_offset, safepoint->slot_count});
        }
        if (frames_.size() != 1) return refuse("{} is no safepoint", frame().code_offset);
        return expect_position(entry_position(function));
    }

    Result<void> check_caller(LinkedFunction& function) {
        const Safepoint* safepoint = find_safepoint(function);
        if (safepoint == nullptr || safepoint->kind != SafepointKind::call) {
            return refuse("{} is no call", frame().code_offset);
        }
        const Word* call = function.translation->at(*safepoint);
        TRY(check_callee(call));
        return expect_position(unpack(call[1].more.second));
    }

    Result<void> check_callee(const Word* call) const {
        const FrameState& callee_frame = frames_[index_ + 1];
        const LinkedFunction* callee =
            runtime_.function(make_reference(callee_frame.instance, callee_frame.function_index));
        // Whoever was called may have been replaced by a tail call, to a function of these results.
        if (callee != nullptr && runtime_.types.results_fit(callee->type, called_type(call))) {
            return {};
        }
        return refuse("{} does not call function {} of instance {}", frame().code_offset,
                      callee_frame.function_index, callee_frame.instance);
    }

    static TypeId called_type(const Word* call) {
        const bool is_indirect = call->op.handler == address_of(Handler::call_through_table) ||
                                 call->op.handler == address_of(Handler::call_through_reference);
        return is_indirect ? TypeId{call->op.immediate} : callee_of(call)->type;
    }

    const Safepoint* find_safepoint(LinkedFunction& function) {
        return function.translation->find_safepoint(frame().code_offset);
    }

    Result<void> expect_position(FramePosition expected) const {
        const auto& [instance, function_index, code_offset, slot_count] = frame();
        if (code_offset == expected.code_offset && slot_count == expected.slot_count) return {};
        return refuse("at {} with {} slots, where {} with {} is expected", code_offset, slot_count,
                      expected.code_offset, expected.slot_count);
    }

    Runtime& runtime_;
    const Thread& thread_;
    std::span<const FrameState> frames_;
    std::size_t index_ = 0;
    std::uint64_t slot_count_ = 0;
};

}  // namespace

Result<std::unique_ptr<Thread>> restore_thread(Runtime& runtime, RegionClaims& claims,
                                               const MachineState& state) {
    if (state.threads.size() != 1) {
        return fail(ErrorCode::corrupt, "the machine has {} threads, this build runs 1",
                    state.threads.size());
    }
    const ThreadState& saved = state.threads.front();
    if (!is_stack_size(state.stack_bytes_max)) {
        return fail(ErrorCode::corrupt, "a stack of {} bytes", state.stack_bytes_max);
    }
    heap::Region* slots = TRY(claims.claim(
        saved.slots, stack_region_spec(heap::RegionKind::slots, state.stack_bytes_max)));
    heap::Region* frames = TRY(claims.claim(
        saved.frames, stack_region_spec(heap::RegionKind::frames, state.stack_bytes_max)));
    auto thread = std::make_unique<Thread>(*slots, *frames, state.stack_bytes_max);
    if (saved.frame_count > state.stack_bytes_max / sizeof(FrameState)) {
        return fail(ErrorCode::corrupt, "{} frames do not fit the stack", saved.frame_count);
    }
    const std::span<const FrameState> saved_frames(thread->first_frame(), saved.frame_count);
    const auto slot_count = TRY(FrameChecker(runtime, *thread, saved_frames).check());
    if (slot_count != saved.slot_count) {
        return fail(ErrorCode::corrupt, "the frames have {} slots, the state says {}", slot_count,
                    saved.slot_count);
    }
    if (saved.frame_count > 0) thread->resume(runtime, saved.frame_count);
    return thread;
}

Result<std::unique_ptr<Thread>> restore(Runtime& runtime, const MachineState& state,
                                        const ModuleSource& modules) {
    RegionClaims claims(runtime.heap);
    runtime.memory_budget.bytes_max = state.memory_bytes_max;
    TRY(restore_instances(runtime, claims, state, modules));
    TRY(restore_exceptions(runtime, state));
    runtime.poll.restore(state.safepoints);
    runtime.poll.set_fuel(state.fuel);
    runtime.host_calls = state.host_calls;
    return restore_thread(runtime, claims, state);
}

}  // namespace sojourn::vm
