#include "process/prune.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "tools/vm/checkpoint_options.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct PruneArguments {
    std::string name;
    std::string keep;
    bool is_dry_run = false;
};

Result<void> print(const Invocation& invocation, const store::ProcessRecord& record,
                   const process::Pruning& pruning, bool is_dry_run) {
    if (!invocation.json) {
        for (const store::Version checkpoint : pruning.checkpoints)
            TRY(print_line(process::display_name(record, checkpoint)));
        return print_line(
            fmt::format("{} {} of {} checkpoints", is_dry_run ? "would free" : "freed",
                        bytes_for_people(pruning.freed_bytes), pruning.checkpoints.size()));
    }
    Json object = new_json();
    object["process"] = {{"id", record.id.hex()}, {"name", record.name}};
    object["dry_run"] = is_dry_run;
    object["removed"] = Json::array();
    for (const store::Version checkpoint : pruning.checkpoints)
        object["removed"].push_back(static_cast<std::uint64_t>(checkpoint));
    object["freed_bytes"] = pruning.freed_bytes;
    return print_json(object);
}

Result<int> perform(const Invocation& invocation, const PruneArguments& arguments) {
    const auto policy = TRY(parse_keep(arguments.keep));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, arguments.name));
    const auto pruning = TRY(process::plan_pruning(*store, record, policy));
    if (!arguments.is_dry_run) TRY(process::prune(*store, record, pruning));
    TRY(print(invocation, record, pruning, arguments.is_dry_run));
    return 0;
}

}  // namespace

void add_prune(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "prune",
                              "Remove the checkpoints of a process that no rule keeps");
    auto arguments = std::make_shared<PruneArguments>();
    verb->add_option("process", arguments->name, "The process's name")->required()->type_name("N");
    verb->add_option("--keep", arguments->keep,
                     "What stays: last=10,hourly=24,daily=7, or some of them; the newest, and what "
                     "has a tag or a message, stays in any case")
        ->required()
        ->type_name("RULES");
    verb->add_flag("--dry-run", arguments->is_dry_run,
                   "Only tell what would go, and how much that would free");
    give_examples(*verb, {{"vm prune job --keep last=10,hourly=24", "leave these"},
                          {"vm prune job --keep last=1 --dry-run", "what that would free"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
