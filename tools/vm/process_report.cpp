#include "tools/vm/process_report.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "tools/vm/backtrace.hpp"
#include "tools/vm/lease_table.hpp"

namespace sojourn::tools {

namespace {

using process::StoredCheckpoint;
using vm::StoredMachine;
using vm::TypedValue;
using vm::ValueType;

Backtrace backtrace_of(StoredMachine& machine, const StoredMachine::Thread& thread) {
    return {thread.frames, thread.frames_left_out, machine.modules()};
}

/// `0 i32 = 5, 1 f64 = 0.1`
std::string text_of(const std::vector<TypedValue>& values) {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) {
        text += fmt::format("{}{} {} = {}", i == 0 ? "" : ", ", i, vm::text_of(values[i].type),
                            vm::text_of(values[i]));
    }
    return text;
}

std::string values_text(const StoredMachine::Thread& thread, std::size_t frame) {
    std::string text;
    if (!thread.locals[frame].empty())
        text += fmt::format("          locals: {}\n", text_of(thread.locals[frame]));
    const auto& operands = thread.operands[frame];
    if (!operands.empty())
        text += fmt::format("          operands: {:#x}\n", fmt::join(operands, ", "));
    return text;
}

Result<std::string> thread_text(StoredMachine& machine, std::size_t index, const Clock& clock) {
    const auto thread = TRY(machine.thread(index));
    const std::size_t count = machine.state().threads[index].frame_count;
    if (count == 0) return fmt::format("thread {}: no call is under way\n", index);
    const std::string next =
        thread.next.empty() ? "" : fmt::format(", stands before {}", thread.next);
    return fmt::format("thread {}: {} {}{}\n", index, count, count == 1 ? "frame" : "frames",
                       next) +
           tools::text_of(backtrace_of(machine, thread), clock,
                          [&](std::size_t frame) { return values_text(thread, frame); });
}

std::string text_of(const StoredMachine::Global& global) {
    const std::string name = global.name.empty() ? "" : fmt::format(" \"{}\"", global.name);
    return fmt::format("  global {}{}: {}{} = {}\n", global.index, printable(name),
                       global.is_mutable ? "mutable " : "", vm::text_of(global.value.type),
                       vm::text_of(global.value));
}

Result<std::string> instance_text(StoredMachine& machine, std::size_t index) {
    const auto instance = TRY(machine.instance(index));
    std::string text = fmt::format("instance {}: module {}\n", index,
                                   machine.state().instances[index].module.hex());
    for (const StoredMachine::Memory& memory : instance.memories) {
        text +=
            fmt::format("  memory: {}{}, region {}\n", bytes_for_people(memory.region->size_bytes),
                        memory.type.is_64_bit() ? " of 64-bit addresses" : "",
                        static_cast<std::uint32_t>(memory.region->id));
    }
    for (const StoredMachine::Table& table : instance.tables) {
        text += fmt::format("  table: {} of {}\n", table.elements, vm::text_of(table.type.element));
    }
    for (const StoredMachine::Global& global : instance.globals)
        text += text_of(global);
    return text;
}

/// A number where JSON has one for it.
Json value_json(const TypedValue& value) {
    Json object{{"type", vm::text_of(value.type)}, {"value", vm::text_of(value)}};
    const std::uint64_t bits = value.slots.halves[0];
    switch (value.type) {
        case ValueType::i32:
            object["value"] = static_cast<std::int32_t>(bits);
            break;
        case ValueType::i64:
            object["value"] = static_cast<std::int64_t>(bits);
            break;
        case ValueType::f64:
            if (std::isfinite(std::bit_cast<double>(bits)))
                object["value"] = std::bit_cast<double>(bits);
            break;
        case ValueType::f32:
            if (const auto number = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
                std::isfinite(number))
                object["value"] = number;
            break;
        default:
            if (vm::is_reference(value.type) && bits == 0) object["value"] = nullptr;
    }
    return object;
}

Json values_json(const std::vector<TypedValue>& values) {
    Json list = Json::array();
    for (const TypedValue& value : values)
        list.push_back(value_json(value));
    return list;
}

Result<Json> thread_json(StoredMachine& machine, std::size_t index, const Clock& clock) {
    const auto thread = TRY(machine.thread(index));
    Json frames = json_of(backtrace_of(machine, thread), clock);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        frames[i]["instance"] = static_cast<std::uint32_t>(thread.frames[i].instance);
        frames[i]["locals"] = values_json(thread.locals[i]);
        frames[i]["operands"] = thread.operands[i];
    }
    return Json{{"frame_count", machine.state().threads[index].frame_count},
                {"next", thread.next.empty() ? Json() : Json(thread.next)},
                {"frames", std::move(frames)},
                {"frames_left_out", thread.frames_left_out}};
}

Json global_json(const StoredMachine::Global& global) {
    Json object = value_json(global.value);
    object["index"] = global.index;
    object["name"] = global.name.empty() ? Json() : Json(global.name);
    object["mutable"] = global.is_mutable;
    return object;
}

Result<Json> instance_json(StoredMachine& machine, std::size_t index) {
    const auto instance = TRY(machine.instance(index));
    Json memories = Json::array();
    for (const StoredMachine::Memory& memory : instance.memories) {
        memories.push_back({{"region", static_cast<std::uint32_t>(memory.region->id)},
                            {"bytes", memory.region->size_bytes},
                            {"address", vm::text_of(memory.type.address)}});
    }
    Json tables = Json::array();
    for (const StoredMachine::Table& table : instance.tables) {
        tables.push_back({{"elements", table.elements}, {"type", vm::text_of(table.type.element)}});
    }
    Json globals = Json::array();
    for (const StoredMachine::Global& global : instance.globals)
        globals.push_back(global_json(global));
    return Json{{"module", machine.state().instances[index].module.hex()},
                {"memories", std::move(memories)},
                {"tables", std::move(tables)},
                {"globals", std::move(globals)}};
}

}  // namespace

Result<Json> json_of(StoredCheckpoint& checkpoint, const Clock& clock) {
    StoredMachine& machine = checkpoint.machine();
    Json object = new_json();
    object["process"] = {{"id", checkpoint.process().id.hex()},
                         {"name", checkpoint.process().name}};
    object["checkpoint"] = json_of(checkpoint.info());
    object["safepoints"] = machine.state().safepoints;
    object["host_calls"] = machine.state().host_calls;
    object["threads"] = Json::array();
    for (std::size_t i = 0; i < machine.state().threads.size(); ++i)
        object["threads"].push_back(TRY(thread_json(machine, i, clock)));
    object["instances"] = Json::array();
    for (std::size_t i = 0; i < machine.state().instances.size(); ++i)
        object["instances"].push_back(TRY(instance_json(machine, i)));
    object["leases"] = Json::array();
    for (const leases::Lease& lease : checkpoint.leases().leases())
        object["leases"].push_back(json_of(lease));
    return object;
}

Result<void> print_process(StoredCheckpoint& checkpoint, const Clock& clock) {
    StoredMachine& machine = checkpoint.machine();
    const auto& info = checkpoint.info();
    std::string text =
        fmt::format("{} of {}{}{}, after {} safepoints and {} host calls\n",
                    process::display_name(checkpoint.process(), info.id), rfc3339(info.time_us),
                    info.message.empty() ? "" : ", ", printable(info.message),
                    machine.state().safepoints, machine.state().host_calls);
    for (std::size_t i = 0; i < machine.state().threads.size(); ++i)
        text += TRY(thread_text(machine, i, clock));
    for (std::size_t i = 0; i < machine.state().instances.size(); ++i)
        text += TRY(instance_text(machine, i));
    TRY(checkpoint.expect_there());
    TRY(print_line(text));
    return print_leases(checkpoint.leases().leases());
}

}  // namespace sojourn::tools
