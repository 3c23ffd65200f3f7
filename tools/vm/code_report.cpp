#include "tools/vm/code_report.hpp"

#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "process/remote.hpp"

namespace sojourn::tools {

namespace {

using process::CodeUse;
using vm::CodeState;
using vm::StoredMachine;

/// What people want to see at once.
constexpr std::size_t kShownMax = 24;

/// Empty: it is not of a module that the checkpoint has.
std::string name_of(const CodeState& state, const StoredMachine& machine) {
    for (const auto& module : machine.modules()) {
        if (module->digest() == state.module && state.function_index < module->functions.size())
            return module->function_name(state.function_index);
    }
    return "";
}

}  // namespace

std::optional<CodeUse> ask_for_code(const std::filesystem::path& run_directory,
                                    const store::ProcessRecord& record) {
    if (!process::is_running(run_directory, record.id)) return std::nullopt;
    auto answer = process::ask(run_directory, record, {process::ControlVerb::code, ""});
    return answer.ok() ? std::move(answer->code) : std::nullopt;
}

Json json_of(const CodeUse& code, const StoredMachine& machine) {
    Json list = Json::array();
    for (const CodeState& state : code.states) {
        const std::string name = name_of(state, machine);
        list.push_back({{"module", state.module.hex()},
                        {"function", state.function_index},
                        {"name", name.empty() ? Json() : Json(name)},
                        {"loop", state.loop_offset == 0 ? Json() : Json(state.loop_offset)},
                        {"tier", vm::text_of(state.tier)}});
    }
    return Json{{"engine", vm::text_of(code.engine)},
                {"functions", code.functions},
                {"hot", std::move(list)}};
}

Result<void> print_code(const CodeUse& code, const StoredMachine& machine) {
    std::string counts;
    for (const auto& [what, count] : code.functions)
        counts += fmt::format(", {} {}", count, what);
    TRY(print_line(fmt::format("\ncode: --engine={}{}", vm::text_of(code.engine), counts)));
    if (code.states.empty()) return {};
    std::vector<std::vector<Cell>> rows;
    for (const CodeState& state : code.states) {
        if (rows.size() == kShownMax) break;
        const std::string from =
            state.loop_offset == 0 ? "its beginning" : fmt::format("loop {:#x}", state.loop_offset);
        rows.push_back({{fmt::format("{} (function {})", printable(name_of(state, machine)),
                                     state.function_index)},
                        {from},
                        {std::string(vm::text_of(state.tier))}});
    }
    TRY(print_table({"HOT", "FROM", "TIER"}, rows));
    if (code.states.size() <= rows.size()) return {};
    return print_line(
        fmt::format("and {} more; --json has them", code.states.size() - rows.size()));
}

}  // namespace sojourn::tools
