#include "vm/exec/compiled_code.hpp"

#include <algorithm>

#include "vm/exec/compiled_tier.hpp"
#include "vm/exec/interpreter.hpp"

namespace sojourn::vm {

namespace {

const CompiledCode kRefused{};

template <typename T>
std::uint64_t word_of(const T* address) {
    return reinterpret_cast<std::uintptr_t>(address);
}

void fill_context(Runtime& runtime, Instance& instance, InstanceCode& code) {
    const Module& module = *instance.module;
    const ContextLayout layout(module);
    auto& words = code.context;
    words.resize(layout.size());
    words[ContextLayout::kRuntime] = word_of(&runtime);
    words[ContextLayout::kHelpers] = word_of(&kCompiledHelpers);
    words[ContextLayout::kSafepoints] = word_of(runtime.poll.count_address());
    words[ContextLayout::kPauseWanted] = word_of(runtime.poll.reasons_address());
    words[ContextLayout::kStackLimit] = word_of(&runtime.native_stack.thread->limit);
    words[ContextLayout::kNativeLimit] = word_of(&runtime.native_stack.limit);
    words[ContextLayout::kInstance] = static_cast<std::uint32_t>(instance.index);
    words[ContextLayout::kReferences] =
        make_reference(static_cast<std::uint32_t>(instance.index), 0);
    for (std::uint32_t i = 0; i < instance.memories.size(); ++i) {
        const LinearMemory& memory = *instance.memories[i];
        words[layout.memory(i)] = word_of(&memory);
        words[layout.memory_base(i)] = word_of(memory.region->base());
        words[layout.memory_size(i)] = word_of(&memory.region->size_bytes());
    }
    for (std::uint32_t i = 0; i < instance.tables.size(); ++i) {
        const Table& table = *instance.tables[i];
        words[layout.table(i)] = word_of(&table);
        words[layout.table_base(i)] = word_of(table.elements());
        words[layout.table_size(i)] = word_of(&table.size);
    }
    for (std::uint32_t i = 0; i < instance.globals.size(); ++i)
        words[layout.global(i)] = word_of(instance.globals[i]);
    for (std::uint32_t i = 0; i < instance.type_ids.size(); ++i)
        words[layout.type(i)] = static_cast<std::uint32_t>(instance.type_ids[i]);
    for (std::uint32_t i = 0; i < instance.functions.size(); ++i)
        words[layout.function(i)] = word_of(&compiled_function(runtime, *instance.functions[i]));
}

InstanceCode& code_of(Runtime& runtime, Instance& instance) {
    if (instance.code) return *instance.code;
    instance.code = std::make_shared<InstanceCode>();
    InstanceCode& code = *instance.code;
    code.functions.resize(instance.own_functions.size());
    for (std::size_t i = 0; i < code.functions.size(); ++i) {
        LinkedFunction& function = instance.own_functions[i];
        code.functions[i].function = &function;
        code.functions[i].type = static_cast<std::uint32_t>(function.type);
    }
    fill_context(runtime, instance, code);
    for (CompiledFunction& function : code.functions)
        function.context = code.context.data();
    return code;
}

}  // namespace

CompiledFunction& compiled_function(Runtime& runtime, LinkedFunction& function) {
    Instance& holder = *runtime.instances[function.identity.instance];
    return code_of(runtime, holder).functions[function.identity.function_index];
}

const Word* prepare_code(Runtime& runtime, LinkedFunction& function) {
    const CompiledCode* const code =
        runtime.tier->ask(function.instance->module, function.identity.function_index, 0);
    if (code == nullptr) {
        function.calls_left = runtime.tier->patience();
        return function.translation->entry();
    }
    CompiledFunction& compiled = compiled_function(runtime, function);
    compiled.entry = code->entry;
    compiled.body = code->body;
    compiled.slot_bytes_max = function.slot_bytes_max;
    compiled.is_refused = code->entry == nullptr;
    function.entry =
        compiled.is_refused ? function.translation->entry() : stub(Handler::enter_compiled);
    return function.entry;
}

namespace {

CompiledEntry loop_entry(Runtime& runtime, const FrameState& frame, const Word* pc) {
    LinkedFunction& function = runtime.function_of(frame);
    Operation& loop = function.translation->operation_at(pc);
    loop.immediate = 1;  // once there is code, each arrival enters it
    const std::uint32_t code_offset = function.translation->code_offset_of(pc);
    CompiledFunction& compiled = compiled_function(runtime, function);
    const auto found =
        std::ranges::find(compiled.loops, code_offset, &CompiledFunction::Loop::code_offset);
    if (found != compiled.loops.end()) return found->entry;
    function.calls_left = 1;  // it is worth being compiled if it is ever called again
    const CompiledCode* const code =
        compiled.is_refused ? &kRefused
                            : runtime.tier->ask(function.instance->module,
                                                function.identity.function_index, code_offset);
    if (code == nullptr) {
        loop.immediate = runtime.tier->patience();
    } else if (code->entry == nullptr) {
        loop.handler = address_of(Handler::enter_loop);
    } else {
        compiled.loops.push_back({code_offset, code->entry});
    }
    return code == nullptr ? nullptr : code->entry;
}

}  // namespace

bool find_compiled_loop(Runtime& runtime, const FrameState& frame, const Word* pc) {
    runtime.native_stack.loop = loop_entry(runtime, frame, pc);
    return runtime.native_stack.loop != nullptr;
}

}  // namespace sojourn::vm
