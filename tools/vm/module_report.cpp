#include "tools/vm/module_report.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "vm/engine.hpp"
#include "vm/wasm/disassembly.hpp"
#include "vm/wasm/required_features.hpp"

namespace sojourn::tools {

namespace {

constexpr std::size_t kLargestShown = 10;

std::string text_of_limits(const vm::Limits& limits, bool is_64_bit) {
    return fmt::format("{}{}{}", limits.min, limits.max ? fmt::format("..{}", *limits.max) : "..",
                       is_64_bit ? " i64" : "");
}

std::uint32_t bytes_of(const vm::Function& function) {
    return function.end_offset - function.body_offset;
}

Json limits_json(const vm::Limits& limits, bool is_64_bit) {
    Json object{{"min", limits.min}, {"max", nullptr}, {"address", is_64_bit ? "i64" : "i32"}};
    if (limits.max) object["max"] = *limits.max;
    return object;
}

Json sections_json(const vm::Module& module) {
    Json rows = Json::array();
    for (const vm::Section& section : module.sections) {
        rows.push_back({{"name", section.name},
                        {"custom", section.is_custom},
                        {"offset", section.offset},
                        {"bytes", section.byte_count}});
    }
    return rows;
}

Json imports_json(const vm::Module& module) {
    Json rows = Json::array();
    for (const vm::Import& import : module.imports) {
        rows.push_back({{"module", import.module},
                        {"name", import.name},
                        {"kind", text_of(import.kind)},
                        {"index", import.index},
                        {"type", type_text(module, import.kind, import.index)}});
    }
    return rows;
}

Json exports_json(const vm::Module& module) {
    Json rows = Json::array();
    for (const vm::Export& exported : module.exports) {
        rows.push_back({{"name", exported.name},
                        {"kind", text_of(exported.kind)},
                        {"index", exported.index},
                        {"type", type_text(module, exported.kind, exported.index)}});
    }
    return rows;
}

std::uint64_t data_bytes(const vm::Module& module) {
    std::uint64_t bytes = 0;
    for (const vm::DataSegment& segment : module.data)
        bytes += segment.byte_count;
    return bytes;
}

Result<void> print_sections(const vm::Module& module) {
    std::vector<std::vector<Cell>> rows;
    for (const vm::Section& section : module.sections) {
        rows.push_back({{printable(section.name), section.is_custom ? Colour::grey : Colour::none},
                        {fmt::format("{:#x}", section.offset), {}, true},
                        {std::to_string(section.byte_count), {}, true},
                        {section.is_custom ? "custom" : ""}});
    }
    return print_table({"SECTION", "OFFSET", "BYTES", ""}, rows);
}

Result<void> print_imports(const vm::Module& module) {
    std::vector<std::vector<Cell>> rows;
    for (const vm::Import& import : module.imports) {
        rows.push_back({{printable(import.module)},
                        {printable(import.name)},
                        {std::string(text_of(import.kind))},
                        {type_text(module, import.kind, import.index)}});
    }
    if (rows.empty()) return {};
    TRY(print_line(""));
    return print_table({"IMPORT FROM", "NAME", "KIND", "TYPE"}, rows);
}

Result<void> print_exports(const vm::Module& module) {
    std::vector<std::vector<Cell>> rows;
    for (const vm::Export& exported : module.exports) {
        rows.push_back({{printable(exported.name)},
                        {std::string(text_of(exported.kind))},
                        {std::to_string(exported.index), {}, true},
                        {type_text(module, exported.kind, exported.index)}});
    }
    if (rows.empty()) return {};
    TRY(print_line(""));
    return print_table({"EXPORT", "KIND", "INDEX", "TYPE"}, rows);
}

Result<void> print_largest_functions(const vm::Module& module) {
    std::vector<std::uint32_t> order;
    for (auto i = module.imported_functions; i < module.functions.size(); ++i)
        order.push_back(i);
    const std::size_t shown = std::min(order.size(), kLargestShown);
    std::ranges::partial_sort(
        order, order.begin() + static_cast<std::ptrdiff_t>(shown), std::ranges::greater{},
        [&](std::uint32_t index) { return bytes_of(module.functions[index]); });
    if (shown == 0) return {};
    std::vector<std::vector<Cell>> rows;
    for (std::size_t i = 0; i < shown; ++i) {
        rows.push_back({{std::to_string(order[i]), {}, true},
                        {std::to_string(bytes_of(module.functions[order[i]])), {}, true},
                        {printable(module.function_name(order[i]))}});
    }
    TRY(print_line(""));
    return print_table({"LARGEST FUNCTION", "BYTES", "NAME"}, rows);
}

Result<void> print_refusals(const vm::Module& module,
                            const std::map<std::uint32_t, std::string>& refusals) {
    std::vector<std::vector<Cell>> rows;
    for (const auto& [index, reason] : refusals) {
        rows.push_back({{std::to_string(index), {}, true},
                        {std::to_string(bytes_of(module.functions[index])), {}, true},
                        {printable(module.function_name(index))},
                        {reason}});
    }
    if (rows.empty()) return {};
    TRY(print_line(""));
    return print_table({"ALWAYS INTERPRETED", "BYTES", "NAME", "WHY"}, rows);
}

}  // namespace

Refusals find_refusals(const vm::Module& module) {
    const auto compiler = vm::load_compiler();
    if (!compiler.ok()) return std::nullopt;
    std::map<std::uint32_t, std::string> refusals;
    for (auto i = module.imported_functions; i < module.functions.size(); ++i) {
        std::string refusal = (*compiler)->refusal(module, module.functions[i]);
        if (!refusal.empty()) refusals.emplace(i, std::move(refusal));
    }
    return refusals;
}

std::string type_text(const vm::Module& module, vm::ExternKind kind, std::uint32_t index) {
    switch (kind) {
        case vm::ExternKind::function:
            return text_of(module.type_of_function(index));
        case vm::ExternKind::table: {
            const vm::TableType& table = module.tables[index];
            return fmt::format("{} {}", text_of(table.element),
                               text_of_limits(table.limits, table.is_64_bit()));
        }
        case vm::ExternKind::memory: {
            const vm::MemoryType& memory = module.memories[index];
            return fmt::format("{} pages", text_of_limits(memory.limits, memory.is_64_bit()));
        }
        case vm::ExternKind::global: {
            const vm::GlobalType& global = module.globals[index].type;
            return fmt::format("{}{}", global.is_mutable ? "mutable " : "", text_of(global.type));
        }
        case vm::ExternKind::tag:
            break;
    }
    return text_of(module.function_type(module.tags[index].type_index));
}

Json json_of(const vm::Module& module) {
    Json object = new_json();
    object["bytes"] = module.bytes.size();
    object["sha256"] = module.digest().hex();
    object["features"] = required_features(module);
    object["sections"] = sections_json(module);
    object["imports"] = imports_json(module);
    object["exports"] = exports_json(module);
    object["start"] = module.start ? Json(*module.start) : Json();
    object["tables"] = Json::array();
    for (const vm::TableType& table : module.tables) {
        Json row = limits_json(table.limits, table.is_64_bit());
        row["element"] = text_of(table.element);
        object["tables"].push_back(std::move(row));
    }
    object["memories"] = Json::array();
    for (const vm::MemoryType& memory : module.memories)
        object["memories"].push_back(limits_json(memory.limits, memory.is_64_bit()));
    object["globals"] = module.globals.size();
    object["tags"] = module.tags.size();
    object["types"] = module.types.size();
    object["imported_functions"] = module.imported_functions;
    object["data"] = {{"segments", module.data.size()}, {"bytes", data_bytes(module)}};
    object["element_segments"] = module.elements.size();
    return object;
}

Json json_of_function(const vm::Module& module, std::uint32_t index, bool with_code) {
    const vm::Function& function = module.functions[index];
    Json object{{"index", index},
                {"name", module.function_name(index)},
                {"type", text_of(module.type_of_function(index))},
                {"offset", function.body_offset},
                {"bytes", bytes_of(function)}};
    if (!with_code) return object;
    Json code = Json::array();
    disassemble(module, function, [&](const vm::DisassembledLine& line) {
        code.push_back({{"offset", line.offset}, {"depth", line.depth}, {"text", line.text}});
    });
    object["code"] = std::move(code);
    return object;
}

Result<void> print_module(const vm::Module& module, const Refusals& refusals) {
    const auto features = required_features(module);
    const std::string needed = features.empty() ? "nothing beyond WebAssembly 1.0"
                                                : fmt::format("{}", fmt::join(features, ", "));
    TRY(print_line(
        fmt::format("{}, sha256 {}\nfunctions {}, memories {}, tables {}, globals {}\n"
                    "needs: {}\n",
                    bytes_for_people(module.bytes.size()), module.digest().hex(),
                    module.functions.size() - module.imported_functions, module.memories.size(),
                    module.tables.size(), module.globals.size(), needed)));
    TRY(print_sections(module));
    TRY(print_imports(module));
    TRY(print_exports(module));
    TRY(print_largest_functions(module));
    if (!refusals) return {};
    return print_refusals(module, *refusals);
}

Result<void> print_disassembly(const vm::Module& module, std::uint32_t function_index) {
    constexpr std::size_t kIndent = 2;
    const vm::Function& function = module.functions[function_index];
    std::string text = fmt::format("func[{}] <{}> {}\n", function_index,
                                   printable(module.function_name(function_index)),
                                   text_of(module.type_of_function(function_index)));
    for (const auto& [count, type] : function.local_runs)
        text += fmt::format("          local {} x {}\n", count, text_of(type));
    disassemble(module, function, [&](const vm::DisassembledLine& line) {
        text += fmt::format("{:8x}: {:{}}{}\n", line.offset, "", line.depth * kIndent, line.text);
    });
    return print_line(text);
}

}  // namespace sojourn::tools
