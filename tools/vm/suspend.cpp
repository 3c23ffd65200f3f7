#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/running_process.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<int> perform_suspend(const Invocation& invocation, const std::string& name) {
    const RunningProcess running = TRY(find_running(invocation, name));
    const auto answer = TRY(process::suspend(running.run_directory, running.record));
    if (invocation.json) {
        Json object = new_json();
        object["process"] = {{"id", running.record.id.hex()}, {"name", running.record.name}};
        object["checkpoint"] = answer.checkpoint ? json_of(*answer.checkpoint) : Json();
        TRY(print_json(object));
    }
    return 0;
}

}  // namespace

void add_suspend(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "suspend",
                 "Store a running process's state and end its runner; returns when both are done");
    auto name = std::make_shared<std::string>();
    verb->add_option("process", *name, "The process's name")->required()->type_name("N");
    give_examples(*verb,
                  {{"vm suspend job", "returns when it is durable and its runner has gone"},
                   {"vm suspend job && vm export job -o job.image", "to take it elsewhere"}});
    verb->callback([name, &invocation] {
        invocation.perform = [name, &invocation] { return perform_suspend(invocation, *name); };
    });
}

}  // namespace sojourn::tools
