#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/running_process.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<int> perform(const Invocation& invocation, const std::string& name,
                    const std::string& message) {
    const RunningProcess running = TRY(find_running(invocation, name));
    const auto answer = TRY(process::ask(running.run_directory, running.record,
                                         {process::ControlVerb::checkpoint, message}));
    if (!answer.checkpoint) {
        return fail(ErrorCode::corrupt, "the runner's answer names no checkpoint");
    }
    if (invocation.json) {
        Json object = new_json();
        object["process"] = {{"id", running.record.id.hex()}, {"name", running.record.name}};
        object["checkpoint"] = json_of(*answer.checkpoint);
        TRY(print_json(object));
    } else {
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
    verb->callback([name, message, &invocation] {
        invocation.perform = [name, message, &invocation] {
            return perform(invocation, *name, *message);
        };
    });
}

}  // namespace sojourn::tools
