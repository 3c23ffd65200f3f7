#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/number.hpp"
#include "process/program.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/inspect_verbs.hpp"
#include "tools/vm/module_report.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct InspectModuleOptions {
    std::string path;
    std::vector<std::string> functions;
    bool disassemble = false;
};

/// By index or by name. Errors: not_found.
Result<std::uint32_t> find_function(const vm::Module& module, const std::string& wanted) {
    const auto count = static_cast<std::uint32_t>(module.functions.size());
    const auto number = parse_number<std::uint32_t>(wanted);
    std::uint32_t index = number.value_or(0);
    while (!number && index < count && module.function_name(index) != wanted)
        ++index;
    if (index >= count) {
        return fail(ErrorCode::not_found, "no function '{}'; --disassemble alone shows all",
                    wanted);
    }
    if (index >= module.imported_functions) return index;
    return fail(ErrorCode::not_found, "function {} is imported: its code is not in this module",
                wanted);
}

/// All that are defined, unless some were named.
Result<std::vector<std::uint32_t>> wanted_functions(const vm::Module& module,
                                                    const std::vector<std::string>& names) {
    std::vector<std::uint32_t> indices;
    for (const std::string& name : names)
        indices.push_back(TRY(find_function(module, name)));
    for (auto i = module.imported_functions; names.empty() && i < module.functions.size(); ++i)
        indices.push_back(i);
    return indices;
}

Result<int> perform(const Invocation& invocation, const InspectModuleOptions& options) {
    const auto module = TRY(process::load_module_file(options.path));
    const bool with_code = options.disassemble || !options.functions.empty();
    const auto functions = TRY(wanted_functions(*module, options.functions));
    if (invocation.json) {
        Json object = json_of(*module);
        const Refusals refusals = find_refusals(*module);
        object["functions"] = Json::array();
        for (const std::uint32_t index : functions) {
            Json row = json_of_function(*module, index, with_code);
            if (refusals && refusals->contains(index))
                row["interpreted_because"] = refusals->at(index);
            object["functions"].push_back(std::move(row));
        }
        TRY(print_json(object));
        return 0;
    }
    if (!with_code) TRY(print_module(*module, find_refusals(*module)));
    for (std::size_t i = 0; with_code && i < functions.size(); ++i)
        TRY(print_disassembly(*module, functions[i]));
    return 0;
}

}  // namespace

void add_inspect_module(CLI::App& verb, Invocation& invocation) {
    CLI::App* module = verb.add_subcommand(
        "module", "Tell what a WebAssembly module holds and needs, or disassemble it");
    auto options = std::make_shared<InspectModuleOptions>();
    module->add_option("file", options->path, "A WebAssembly binary")
        ->required()
        ->type_name("FILE");
    module->add_flag("--disassemble,-d", options->disassemble, "Show the code of all functions");
    module->add_option("--function,-f", options->functions, "Show the code of this one alone")
        ->type_name("NAME|INDEX")
        ->allow_extra_args(false);
    module->add_flag("--json", invocation.json, "Answer with JSON");
    give_examples(*module,
                  {{"vm inspect module prog.wasm", "sections, imports, exports, largest functions"},
                   {"vm inspect module -f main prog.wasm", "the code of one function"}});
    module->callback([options, &invocation] {
        invocation.perform = [options, &invocation] { return perform(invocation, *options); };
    });
}

}  // namespace sojourn::tools
