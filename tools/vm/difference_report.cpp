#include "tools/vm/difference_report.hpp"

#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "tools/vm/lease_table.hpp"

namespace sojourn::tools {

namespace {

using process::Difference;
using process::FrameDifference;
using process::RegionDifference;
using process::StoredCheckpoint;

std::string_view text_of(heap::RegionKind kind) {
    switch (kind) {
        case heap::RegionKind::memory:
            return "memory";
        case heap::RegionKind::table:
            return "table";
        case heap::RegionKind::globals:
            return "globals";
        case heap::RegionKind::slots:
            return "slots";
        case heap::RegionKind::frames:
            return "frames";
        case heap::RegionKind::volume:
            return "volume";
    }
    return "unknown";
}

struct Totals {
    std::uint64_t units = 0;
    std::uint64_t pages = 0;
    std::uint64_t bytes = 0;
};

Totals totals_of(const Difference& difference) {
    Totals totals;
    for (const RegionDifference& region : difference.regions) {
        totals.units += region.units;
        totals.pages += region.pages;
        totals.bytes += region.bytes;
    }
    return totals;
}

Json side_json(const StoredCheckpoint& checkpoint) {
    return {
        {"process", {{"id", checkpoint.process().id.hex()}, {"name", checkpoint.process().name}}},
        {"checkpoint", json_of(checkpoint.info())}};
}

Json frame_json(const std::optional<vm::BacktraceFrame>& frame) {
    if (!frame) return nullptr;
    return {{"function", frame->function_name},
            {"function_index", frame->function_index},
            {"instance", static_cast<std::uint32_t>(frame->instance)},
            {"code_offset", frame->code_offset}};
}

Json thread_difference_json(const process::ThreadDifference& thread) {
    Json frames = Json::array();
    for (const FrameDifference& frame : thread.frames)
        frames.push_back({{"left", frame_json(frame.left)}, {"right", frame_json(frame.right)}});
    return {{"same", thread.same}, {"frames", std::move(frames)}, {"left_out", thread.left_out}};
}

Json leases_json(const std::vector<leases::Lease>& leases) {
    Json list = Json::array();
    for (const leases::Lease& lease : leases)
        list.push_back(json_of(lease));
    return list;
}

std::string text_of(const vm::BacktraceFrame& frame) {
    return fmt::format("{} (function {})", printable(frame.function_name), frame.function_index);
}

/// `-` what only the left side has, `+` the right one, `~` what is another than it was.
std::string line_of(const FrameDifference& frame) {
    if (!frame.right)
        return fmt::format("  - {} at {:#x}\n", text_of(*frame.left), frame.left->code_offset);
    if (!frame.left)
        return fmt::format("  + {} at {:#x}\n", text_of(*frame.right), frame.right->code_offset);
    const std::string place =
        frame.left->code_offset == frame.right->code_offset
            ? fmt::format("at {:#x}, other values", frame.left->code_offset)
            : fmt::format("{:#x} → {:#x}", frame.left->code_offset, frame.right->code_offset);
    return fmt::format("  ~ {} {}\n", text_of(*frame.left), place);
}

std::string text_of(const process::ThreadDifference& thread, std::size_t index) {
    if (thread.frames.empty()) return fmt::format("thread {}: all frames are the same\n", index);
    std::string text =
        fmt::format("thread {}, outermost frame first; {} are the same\n", index, thread.same);
    for (const FrameDifference& frame : thread.frames)
        text += line_of(frame);
    if (thread.left_out > 0) text += fmt::format("  … {} frames\n", thread.left_out);
    return text;
}

std::string lines_of(char side, const std::vector<leases::Lease>& leases) {
    std::string text;
    for (const leases::Lease& lease : leases) {
        text += fmt::format("  {} {} {}\n", side, leases::text_of(lease.kind),
                            printable(lease.description));
    }
    return text;
}

std::string text_of(const process::GlobalDifference& global) {
    return fmt::format("  ~ instance {}, global {}: {} → {}\n", global.instance, global.left.index,
                       vm::text_of(global.left.value), vm::text_of(global.right.value));
}

Result<void> print_regions(const std::vector<RegionDifference>& regions) {
    std::vector<std::vector<Cell>> table;
    for (const RegionDifference& region : regions) {
        table.push_back({{std::to_string(static_cast<std::uint32_t>(region.id)), {}, true},
                         {std::string(text_of(region.kind))},
                         {bytes_for_people(region.left_bytes), {}, true},
                         {bytes_for_people(region.right_bytes), {}, true},
                         {std::to_string(region.units), {}, true},
                         {std::to_string(region.pages), {}, true},
                         {std::to_string(region.bytes), {}, true}});
    }
    return print_table({"REGION", "KIND", "LEFT", "RIGHT", "UNITS", "PAGES", "BYTES"}, table);
}

}  // namespace

Json json_of(const StoredCheckpoint& left, const StoredCheckpoint& right,
             const Difference& difference) {
    const Totals totals = totals_of(difference);
    Json object = new_json();
    object["left"] = side_json(left);
    object["right"] = side_json(right);
    object["units"] = totals.units;
    object["pages"] = totals.pages;
    object["bytes"] = totals.bytes;
    object["regions"] = Json::array();
    for (const RegionDifference& region : difference.regions) {
        object["regions"].push_back({{"region", static_cast<std::uint32_t>(region.id)},
                                     {"kind", text_of(region.kind)},
                                     {"left_bytes", region.left_bytes},
                                     {"right_bytes", region.right_bytes},
                                     {"units", region.units},
                                     {"pages", region.pages},
                                     {"bytes", region.bytes}});
    }
    object["threads"] = Json::array();
    for (const process::ThreadDifference& thread : difference.threads)
        object["threads"].push_back(thread_difference_json(thread));
    object["globals"] = Json::array();
    for (const process::GlobalDifference& global : difference.globals) {
        object["globals"].push_back({{"instance", global.instance},
                                     {"index", global.left.index},
                                     {"left", vm::text_of(global.left.value)},
                                     {"right", vm::text_of(global.right.value)}});
    }
    object["leases"] = {{"left", leases_json(difference.left_leases)},
                        {"right", leases_json(difference.right_leases)}};
    return object;
}

Result<void> print_difference(const StoredCheckpoint& left, const StoredCheckpoint& right,
                              const Difference& difference) {
    const Totals totals = totals_of(difference);
    TRY(print_line(fmt::format("{} → {}: {} pages differ, {} bytes in them",
                               process::display_name(left.process(), left.info().id),
                               process::display_name(right.process(), right.info().id),
                               totals.pages, totals.bytes)));
    if (!difference.regions.empty()) TRY(print_regions(difference.regions));
    std::string text;
    for (std::size_t i = 0; i < difference.threads.size(); ++i)
        text += text_of(difference.threads[i], i);
    for (const process::GlobalDifference& global : difference.globals)
        text += text_of(global);
    const std::string leases =
        lines_of('-', difference.left_leases) + lines_of('+', difference.right_leases);
    text += leases.empty() ? "the same is open" : "open\n" + leases.substr(0, leases.size() - 1);
    return print_line(text);
}

}  // namespace sojourn::tools
