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

Result<int> perform(const Invocation& invocation, const std::string& name,
                    const std::string& message, const std::string& wait) {
    process::ControlRequest request{process::ControlVerb::checkpoint, message};
    request.wait = TRY(process::parse_wait(wait));
    const RunningProcess running = TRY(find_running(invocation, name));
    const auto answer = TRY(process::ask(running.run_directory, running.record, request));
    const bool is_published = request.wait == process::CheckpointWait::published;
    if (is_published && !answer.checkpoint) {
        return fail(ErrorCode::corrupt, "the runner's answer names no checkpoint");
    }
    if (invocation.json) {
        Json object = new_json();
        object["process"] = {{"id", running.record.id.hex()}, {"name", running.record.name}};
        object["checkpoint"] = nullptr;
        if (is_published) object["checkpoint"] = json_of(*answer.checkpoint);
        TRY(print_json(object));
    } else if (is_published) {
        TRY(print_line(process::display_name(running.record, answer.checkpoint->id)));
    }
    return 0;
}

}  // namespace

void add_checkpoint(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "checkpoint",
                              "Store a running process's state while it goes on; prints NAME@ID");
    auto name = std::make_shared<std::string>();
    auto message = std::make_shared<std::string>();
    verb->add_option("process", *name, "The process's name")->required()->type_name("N");
    verb->add_option("-m,--message", *message, "A line for vm log")->type_name("TEXT");
    auto wait = std::make_shared<std::string>("published");
    verb->add_option("--wait", *wait,
                     "published: return when it is durable (the default); paused: when the moment "
                     "is captured, which may still be lost; prints nothing then")
        ->type_name("WHEN");
    give_examples(*verb, {{"vm checkpoint job", "prints job@7 when that is durable"},
                          {"vm checkpoint job -m 'before the merge'", "with a line for vm log"}});
    verb->callback([name, message, wait, &invocation] {
        invocation.perform = [name, message, wait, &invocation] {
            return perform(invocation, *name, *message, *wait);
        };
    });
}

}  // namespace sojourn::tools
