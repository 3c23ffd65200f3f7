#include "vm/wasm/internal/module_decoder.hpp"

namespace sojourn::vm::internal {

namespace {

using FunctionNames = std::vector<std::pair<std::uint32_t, std::string>>;

FunctionNames read_name_map(ModuleReader& reader, std::size_t function_count) {
    FunctionNames names;
    const std::uint32_t count = reader.count("names");
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t index = reader.u32();
        const std::string_view name = reader.name();
        const bool is_sorted = names.empty() || names.back().first < index;
        if (reader.failed() || index >= function_count || !is_sorted) break;
        names.emplace_back(index, name);
    }
    return names;
}

}  // namespace

std::vector<std::pair<std::uint32_t, std::string>> read_function_names(Bytes name_section,
                                                                       std::size_t function_count) {
    constexpr std::uint8_t kFunctionNames = 1;
    ModuleReader reader(name_section);
    while (!reader.failed() && !reader.at_end()) {
        const std::uint8_t id = reader.u8();
        const Bytes content = reader.bytes(reader.u32());
        if (id != kFunctionNames) continue;
        ModuleReader content_reader(content);
        return read_name_map(content_reader, function_count);
    }
    return {};
}

}  // namespace sojourn::vm::internal
