#include "tools/spectest/twin_machine.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/ranges.h>

#include "vm/checkpoint/machine_state.hpp"

namespace sojourn::spec {

namespace {

using vm::InstanceIndex;

/// Where a call stands, and what is in its slots.
struct Frame {
    vm::FrameState state;
    std::vector<std::uint64_t> slots;

    bool operator==(const Frame& other) const {
        return std::memcmp(&state, &other.state, sizeof state) == 0 && slots == other.slots;
    }
};

/// Of a paused machine's thread, the outermost first, as a checkpoint would have them.
std::vector<Frame> frames_of(const vm::Machine& machine, heap::Heap& heap) {
    const auto state = vm::decode_machine_state(machine.capture()).value();
    const vm::ThreadState& thread = state.threads.front();
    const auto* states =
        reinterpret_cast<const vm::FrameState*>(heap.region(thread.frames)->base());
    const auto* slots = reinterpret_cast<const std::uint64_t*>(heap.region(thread.slots)->base());
    std::vector<Frame> frames;
    for (std::uint32_t i = 0; i < thread.frame_count; ++i) {
        frames.push_back({states[i], {slots, slots + states[i].slot_count}});
        slots += states[i].slot_count;
    }
    return frames;
}

std::string text_of(const Frame& frame) {
    return fmt::format("instance {}, function {}, offset {:#x}, slots {:x}", frame.state.instance,
                       frame.state.function_index, frame.state.code_offset,
                       fmt::join(frame.slots, " "));
}

std::string text_of(const vm::Stop& stop) {
    if (const auto* finished = std::get_if<vm::Finished>(&stop))
        return fmt::format("finishes with {:x}", fmt::join(finished->results, " "));
    if (const auto* exited = std::get_if<vm::Exited>(&stop))
        return fmt::format("exits with {}", exited->code);
    const auto* trapped = std::get_if<vm::Trapped>(&stop);
    if (trapped == nullptr) return "pauses";
    std::string text = fmt::format("traps: {}", vm::text_of(trapped->trap));
    for (const vm::BacktraceFrame& frame : trapped->backtrace)
        text += fmt::format(", function {} offset {:#x}", frame.function_index, frame.code_offset);
    return text;
}

}  // namespace

Result<std::variant<InstanceIndex, vm::Trap>> TwinMachine::instantiate(
    std::shared_ptr<const vm::Module> module, const vm::ImportResolver& resolver) {
    auto first = first_.machine.instantiate(module, resolver);
    const auto second = second_.machine.instantiate(module, resolver);
    if (first.ok() != second.ok() || (first.ok() && *first != *second))
        note("a module is made an instance by one of them alone");
    return first;
}

std::vector<std::shared_ptr<const vm::Module>> TwinMachine::modules() const {
    return first_.machine.modules();
}

const vm::Module& TwinMachine::module_of(InstanceIndex instance) const {
    return first_.machine.module_of(instance);
}

void TwinMachine::start(InstanceIndex instance, std::uint32_t function_index,
                        std::span<const std::uint64_t> arguments) {
    first_.machine.start(instance, function_index, arguments);
    second_.machine.start(instance, function_index, arguments);
}

vm::Stop TwinMachine::run() {
    vm::Stop first = first_.machine.run();
    compare(first, second_.machine.run());
    return first;
}

bool TwinMachine::is_running() const {
    return first_.machine.is_running();
}

void TwinMachine::request_pause() {
    first_.machine.request_pause();
    second_.machine.request_pause();
}

void TwinMachine::clear_pause() {
    first_.machine.clear_pause();
    second_.machine.clear_pause();
}

void TwinMachine::pause_every(std::uint64_t safepoints) {
    first_.machine.pause_every(safepoints);
    second_.machine.pause_every(safepoints);
}

ByteVector TwinMachine::capture() const {
    return first_.machine.capture();
}

std::vector<std::uint64_t> TwinMachine::read_global(vm::ExternRef global) const {
    return first_.machine.read_global(global);
}

vm::MachineStats TwinMachine::stats() const {
    return first_.machine.stats();
}

void TwinMachine::note(std::string difference) {
    if (!difference_) difference_ = std::move(difference);
}

void TwinMachine::compare(const vm::Stop& first, const vm::Stop& second) {
    const std::string one = text_of(first);
    const std::string other = text_of(second);
    if (one != other) return note(fmt::format("one {}, the other {}", one, other));
    if (std::holds_alternative<vm::Paused>(first)) compare_stacks();
}

void TwinMachine::compare_stacks() {
    const auto first = frames_of(first_.machine, first_.heap);
    const auto second = frames_of(second_.machine, second_.heap);
    for (std::size_t i = 0; i < std::min(first.size(), second.size()); ++i) {
        if (first[i] == second[i]) continue;
        return note(fmt::format("frame {} is one of {}, the other's of {}", i, text_of(first[i]),
                                text_of(second[i])));
    }
    if (first_.machine.capture() != second_.machine.capture())
        note("they stand alike, and what they save besides is not");
}

}  // namespace sojourn::spec
