#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/program.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<int> perform(const Invocation& invocation, const std::vector<std::string>& paths) {
    Json rows = Json::array();
    bool all_valid = true;
    for (const std::string& path : paths) {
        const auto validated = process::load_module_file(path);
        all_valid = all_valid && validated.ok();
        rows.push_back({{"file", path},
                        {"valid", validated.ok()},
                        {"problem", validated.ok() ? Json() : Json(validated.error().message)}});
        if (!validated.ok()) print_error(validated.error());
        if (validated.ok() && !invocation.json) TRY(print_line(path + ": valid"));
    }
    if (invocation.json) {
        Json object = new_json();
        object["valid"] = all_valid;
        object["modules"] = std::move(rows);
        TRY(print_json(object));
    }
    return all_valid ? 0 : kErrorExitCode;
}

}  // namespace

void add_validate(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = app.add_subcommand("validate", "Say whether modules can be run, or why not");
    auto paths = std::make_shared<std::vector<std::string>>();
    verb->add_option("modules", *paths, "WebAssembly binaries")->required()->type_name("FILE");
    verb->add_flag("--json", invocation.json, "Answer with JSON");
    give_examples(*verb, {{"vm validate prog.wasm", "valid, or what is wrong and where"},
                          {"vm validate --json *.wasm", "for scripts"}});
    verb->callback([paths, &invocation] {
        invocation.perform = [paths, &invocation] { return perform(invocation, *paths); };
    });
}

}  // namespace sojourn::tools
