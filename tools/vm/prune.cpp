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

/// Says how many go before the first one does, and each while they go: what one of them alone holds
/// may have to be read from a disk.
class PruningReport {
public:
    PruningReport(const Invocation& invocation, const store::ProcessRecord& process,
                  bool is_dry_run)
        : invocation_(invocation), process_(process), is_dry_run_(is_dry_run) {}

    Result<void> begin(std::size_t count) const {
        if (invocation_.json || count == 0) return {};
        return print_line(fmt::format("{} {} checkpoints of {}",
                                      is_dry_run_ ? "would remove" : "removing", count,
                                      process::display_name(process_)));
    }

    Result<void> add(store::Version checkpoint) {
        removed_.push_back(static_cast<std::uint64_t>(checkpoint));
        if (invocation_.json) return {};
        return print_line(process::display_name(process_, checkpoint));
    }

    Result<void> end(std::uint64_t freed_bytes) const {
        if (!invocation_.json) {
            return print_line(fmt::format("{} {} of {} checkpoints",
                                          is_dry_run_ ? "would free" : "freed",
                                          bytes_for_people(freed_bytes), removed_.size()));
        }
        Json object = new_json();
        object["process"] = {{"id", process_.id.hex()}, {"name", process_.name}};
        object["dry_run"] = is_dry_run_;
        object["removed"] = removed_;
        object["freed_bytes"] = freed_bytes;
        return print_json(object);
    }

private:
    const Invocation& invocation_;
    const store::ProcessRecord& process_;
    bool is_dry_run_;
    std::vector<std::uint64_t> removed_;
};

Result<int> perform(const Invocation& invocation, const PruneArguments& arguments) {
    const auto policy = TRY(parse_keep(arguments.keep));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, arguments.name));
    const auto planned = TRY(process::plan_pruning(*store, record, policy));
    PruningReport report(invocation, record, arguments.is_dry_run);
    TRY(report.begin(planned.size()));
    const auto add = [&](store::Version checkpoint) { return report.add(checkpoint); };
    if (!arguments.is_dry_run) {
        const std::uint64_t freed_bytes = TRY(process::prune(*store, record, planned, add));
        TRY(report.end(freed_bytes));
        return 0;
    }
    for (const store::Version checkpoint : planned)
        TRY(add(checkpoint));
    const auto family = TRY(store->family(record.family));
    const std::uint64_t freed_bytes = TRY(family->bytes_freed_by({.checkpoints = planned}));
    TRY(report.end(freed_bytes));
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
