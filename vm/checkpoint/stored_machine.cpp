#include "vm/checkpoint/stored_machine.hpp"

#include <algorithm>
#include <deque>

#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/disassembly.hpp"

namespace sojourn::vm {

namespace {

using heap::RegionKind;
using heap::StoredHeap;

constexpr std::size_t kFramesInPiece = 256;
constexpr std::uint64_t kSlotBytes = sizeof(std::uint64_t);

/// Of a validated body: parameters, then declared locals.
std::vector<ValueType> local_types(const Module& module, std::uint32_t index,
                                   const Function& function) {
    std::vector<ValueType> types = module.type_of_function(index).parameters;
    for (const auto& [count, type] : function.local_runs)
        types.insert(types.end(), count, type);
    return types;
}

/// The values of `types`, one behind the other. Requires: there are as many slots.
std::vector<TypedValue> values_of(std::span<const ValueType> types,
                                  std::span<const std::uint64_t> slots) {
    std::vector<TypedValue> values;
    for (const ValueType type : types) {
        TypedValue value{type, {{slots[0], 0}}};
        if (slots_of(type) == 2) value.slots.halves[1] = slots[1];
        slots = slots.subspan(slots_of(type));
        values.push_back(value);
    }
    return values;
}

/// The instruction at `offset` as text; nothing when none begins there.
std::string instruction_at(const Module& module, const Function& function, std::uint32_t offset) {
    CodeReader reader(module, function);
    while (reader.offset() < function.end_offset) {
        const Instruction& instruction = reader.next();
        if (instruction.offset == offset) return text_of(module, instruction);
    }
    return "";
}

std::string hexadecimal(V128 value) {
    return fmt::format("{:#018x}{:016x}", value.halves[1], value.halves[0]);
}

}  // namespace

std::string text_of(const TypedValue& value) {
    const std::uint64_t bits = value.slots.halves[0];
    switch (value.type) {
        case ValueType::i32:
            return fmt::format("{}", static_cast<std::int32_t>(bits));
        case ValueType::i64:
            return fmt::format("{}", static_cast<std::int64_t>(bits));
        case ValueType::f32:
            return fmt::format("{}", std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
        case ValueType::f64:
            return fmt::format("{}", std::bit_cast<double>(bits));
        case ValueType::v128:
            return hexadecimal(value.slots);
        default:
            return bits == 0 ? "null" : fmt::format("{:#x}", bits);
    }
}

Result<std::optional<StoredFrames::Place>> StoredFrames::next() {
    if (index_ == frame_count_) return std::optional<Place>();
    const std::size_t within = index_ % kFramesInPiece;
    if (within == 0) {
        piece_.resize(std::min<std::uint64_t>(kFramesInPiece, frame_count_ - index_));
        TRY(heap_->read(*region_, index_ * sizeof(FrameState),
                        std::as_writable_bytes(std::span(piece_))));
    }
    const Place place{piece_[within], next_slot_};
    next_slot_ += place.frame.slot_count;
    ++index_;
    return std::optional(place);
}

Result<StoredMachine> StoredMachine::open(StoredHeap& heap, Bytes state,
                                          const ModuleSource& modules) {
    StoredMachine machine(heap);
    machine.state_ = TRY(decode_machine_state(state));
    for (const InstanceState& instance : machine.state_.instances) {
        // Instances of one module are loaded once.
        const auto known = std::ranges::find_if(machine.modules_, [&](const auto& module) {
            return module->digest() == instance.module;
        });
        if (known != machine.modules_.end()) {
            machine.modules_.push_back(*known);
            continue;
        }
        auto bytes = TRY(modules(instance.module));
        machine.modules_.push_back(TRY(load_module(std::move(bytes), BodyValidation::lazy)));
    }
    return machine;
}

Result<const StoredHeap::Region*> StoredMachine::region(store::RegionId id, RegionKind kind) const {
    for (const StoredHeap::Region& region : heap_->regions()) {
        if (region.id == id && region.kind == kind) return &region;
    }
    return fail(ErrorCode::corrupt,
                "the machine names region {}, which is not there or of another "
                "kind",
                static_cast<std::uint32_t>(id));
}

Result<BacktraceFrame> StoredMachine::describe(const FrameState& frame) const {
    if (frame.instance >= modules_.size())
        return fail(ErrorCode::corrupt, "a frame is of instance {}, which is not there",
                    frame.instance);
    const Module& module = *modules_[frame.instance];
    if (frame.function_index >= module.functions.size())
        return fail(ErrorCode::corrupt, "a frame is of function {}, which is not there",
                    frame.function_index);
    const Function& function = module.functions[frame.function_index];
    const bool is_imported = frame.function_index < module.imported_functions;
    const bool is_inside = is_imported ? frame.code_offset == 0
                                       : frame.code_offset >= function.body_offset &&
                                             frame.code_offset < function.end_offset;
    if (!is_inside)
        return fail(ErrorCode::corrupt, "a frame stands at {:#x}, outside of its function {}",
                    frame.code_offset, frame.function_index);
    return BacktraceFrame{static_cast<InstanceIndex>(frame.instance), frame.function_index,
                          frame.code_offset, module.function_name(frame.function_index)};
}

Result<StoredFrames> StoredMachine::frames(std::size_t thread_index) {
    const ThreadState& thread = state_.threads[thread_index];
    const StoredHeap::Region* frames = TRY(region(thread.frames, RegionKind::frames));
    if (thread.frame_count > frames->size_bytes / sizeof(FrameState))
        return fail(ErrorCode::corrupt, "{} frames do not fit their region", thread.frame_count);
    return StoredFrames(*heap_, *frames, thread.frame_count);
}

Result<std::vector<std::uint64_t>> StoredMachine::slots(std::size_t thread_index,
                                                        const StoredFrames::Place& place) {
    const StoredHeap::Region* slots =
        TRY(region(state_.threads[thread_index].slots, RegionKind::slots));
    const std::uint64_t slots_max = slots->size_bytes / kSlotBytes;
    if (place.frame.slot_count > kFunctionSlotsMax || place.first_slot > slots_max ||
        place.frame.slot_count > slots_max - place.first_slot) {
        return fail(ErrorCode::corrupt, "a frame has {} slots, which do not fit",
                    place.frame.slot_count);
    }
    std::vector<std::uint64_t> values(place.frame.slot_count);
    TRY(heap_->read(*slots, place.first_slot * kSlotBytes,
                    std::as_writable_bytes(std::span(values))));
    return values;
}

Result<void> StoredMachine::add_values(Thread& thread, std::size_t thread_index,
                                       const StoredFrames::Place& place) {
    const FrameState& frame = place.frame;
    const auto slots = TRY(this->slots(thread_index, place));
    const Module& module = *modules_[frame.instance];
    std::vector<ValueType> types = module.type_of_function(frame.function_index).parameters;
    if (frame.function_index >= module.imported_functions) {
        const Function body = TRY(validated_function(module, frame.function_index));
        types = local_types(module, frame.function_index, body);
        if (thread.frames.size() == 1)
            thread.next = instruction_at(module, body, frame.code_offset);
    }
    const std::size_t local_slots = slots_of(types);
    if (local_slots > slots.size()) {
        // A caller's arguments are its callee's first slots: only a frame cut short lacks locals.
        return fail(ErrorCode::corrupt, "a frame has {} slots and its function {} locals",
                    slots.size(), types.size());
    }
    thread.locals.push_back(values_of(types, std::span(slots).first(local_slots)));
    thread.operands.emplace_back(slots.begin() + static_cast<std::ptrdiff_t>(local_slots),
                                 slots.end());
    return {};
}

Result<StoredMachine::Thread> StoredMachine::thread(std::size_t index) {
    using Place = StoredFrames::Place;
    auto all = TRY(frames(index));
    std::vector<Place> outermost;
    std::deque<Place> innermost;
    Thread thread;
    while (const auto place = TRY(all.next())) {
        if (outermost.size() < kBacktraceEnd) {
            outermost.push_back(*place);
            continue;
        }
        innermost.push_back(*place);
        if (innermost.size() <= kBacktraceEnd) continue;
        innermost.pop_front();
        ++thread.frames_left_out;
    }
    outermost.insert(outermost.end(), innermost.begin(), innermost.end());
    for (auto place = outermost.rbegin(); place != outermost.rend(); ++place) {
        thread.frames.push_back(TRY(describe(place->frame)));
        TRY(add_values(thread, index, *place));
    }
    return thread;
}

Result<std::vector<StoredMachine::Global>> StoredMachine::globals(const InstanceState& state,
                                                                  const Module& module) {
    std::vector<Global> globals;
    std::vector<ValueType> types;
    for (std::uint32_t i = module.imported_globals; i < module.globals.size(); ++i) {
        const GlobalType& type = module.globals[i].type;
        globals.push_back({"", i, type.is_mutable, {}});
        types.push_back(type.type);
    }
    if (globals.empty()) return globals;
    const StoredHeap::Region* stored = TRY(region(state.globals, RegionKind::globals));
    std::vector<std::uint64_t> slots(slots_of(types));
    if (slots.size() * kSlotBytes > stored->size_bytes)
        return fail(ErrorCode::corrupt, "{} globals do not fit their region", globals.size());
    TRY(heap_->read(*stored, 0, std::as_writable_bytes(std::span(slots))));
    const auto values = values_of(types, slots);
    for (std::size_t i = 0; i < globals.size(); ++i)
        globals[i].value = values[i];
    for (const Export& exported : module.exports) {
        if (exported.kind == ExternKind::global && exported.index >= module.imported_globals)
            globals[exported.index - module.imported_globals].name = exported.name;
    }
    return globals;
}

Result<StoredMachine::Instance> StoredMachine::instance(std::size_t index) {
    const InstanceState& state = state_.instances[index];
    const Module& module = *modules_[index];
    Instance instance;
    if (state.memories.size() != module.memories.size() - module.imported_memories ||
        state.tables.size() != module.tables.size() - module.imported_tables) {
        return fail(ErrorCode::corrupt, "instance {} has other memories or tables than its module",
                    index);
    }
    for (std::size_t i = 0; i < state.memories.size(); ++i) {
        const auto* stored = TRY(region(state.memories[i].region, RegionKind::memory));
        instance.memories.push_back({stored, module.memories[module.imported_memories + i]});
    }
    for (std::size_t i = 0; i < state.tables.size(); ++i) {
        instance.tables.push_back(
            {state.tables[i].size, module.tables[module.imported_tables + i]});
    }
    instance.globals = TRY(globals(state, module));
    return instance;
}

}  // namespace sojourn::vm
