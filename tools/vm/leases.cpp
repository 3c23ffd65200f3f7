#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "process/saved_leases.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/lease_table.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/running_process.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<std::vector<leases::Lease>> leases_in(const Invocation& invocation, store::Store& store,
                                             const store::ProcessRecord& record,
                                             store::Version checkpoint) {
    if (checkpoint == store::kNoVersion) {
        return fail(ErrorCode::not_found, "process '{}' is not running and has no checkpoint",
                    process::display_name(record));
    }
    const auto family = TRY(store.family(record.family));
    const auto saved = TRY(process::SavedLeases::read(*family, checkpoint, host_of(invocation)));
    return saved->leases().leases();
}

/// Of the runner, else of a checkpoint.
Result<std::vector<leases::Lease>> leases_of(const Invocation& invocation, store::Store& store,
                                             const store::ProcessRecord& record,
                                             const process::Reference& reference) {
    if (const auto named = TRY(process::checkpoint_of(store, record, reference)))
        return leases_in(invocation, store, record, *named);
    const auto observed = process::observe(store.run_directory(), record);
    if (observed.state != process::ObservedState::running)
        return leases_in(invocation, store, record, record.head);
    auto answer = TRY(process::ask(store.run_directory(), record,
                                   {.verb = process::ControlVerb::leases, .message = {}}));
    return std::move(answer.leases);
}

Result<void> print(const Invocation& invocation, const store::ProcessRecord& record,
                   const std::vector<leases::Lease>& leases) {
    if (!invocation.json) return print_leases(leases);
    Json object = new_json();
    object["process"] = {{"id", record.id.hex()}, {"name", record.name}};
    object["leases"] = Json::array();
    for (const leases::Lease& lease : leases)
        object["leases"].push_back(json_of(lease));
    return print_json(object);
}

Result<int> list(const Invocation& invocation, const std::string& text) {
    const auto reference = TRY(process::Reference::parse(text));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, reference.process));
    const auto leases = TRY(leases_of(invocation, *store, record, reference));
    TRY(print(invocation, record, leases));
    return 0;
}

Result<int> change(const Invocation& invocation, process::ControlVerb verb, const std::string& name,
                   std::optional<std::uint64_t> id) {
    const RunningProcess running = TRY(find_running(invocation, name));
    process::ControlRequest request{.verb = verb, .message = {}};
    if (id) request.lease = leases::LeaseId{*id};
    const auto answer = TRY(process::ask(running.run_directory, running.record, request));
    if (invocation.json) TRY(print(invocation, running.record, answer.leases));
    return 0;
}

CLI::App* add_change(CLI::App& lease, Invocation& invocation, const std::string& word,
                     const std::string& what, process::ControlVerb verb) {
    CLI::App* below = add_verb(lease, invocation, word, what);
    auto name = std::make_shared<std::string>();
    auto id = std::make_shared<std::optional<std::uint64_t>>();
    auto all = std::make_shared<bool>(false);
    below->add_option("process", *name, "The process's name")->required()->type_name("N");
    auto* one =
        below->add_option("lease", *id, "The lease, by its number in vm leases")->type_name("ID");
    below->add_flag("--all", *all, "Every lease of the process")->excludes(one);
    below->callback([=, &invocation] {
        invocation.perform = [=, &invocation]() -> Result<int> {
            if (!*id && !*all) {
                return fail(ErrorCode::invalid_argument,
                            "which lease? vm leases {} lists them, --all takes each", *name);
            }
            return change(invocation, verb, *name, *id);
        };
    });
    return below;
}

}  // namespace

void add_leases(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "leases", "List what a process holds of the world outside");
    auto reference = std::make_shared<std::string>();
    verb->add_option("process", *reference, "NAME, or NAME@ID for what is in a checkpoint")
        ->required()
        ->type_name("N[@ID]");
    give_examples(*verb, {{"vm leases job", "files, directories, sockets, clocks it holds"},
                          {"vm leases job@7", "those it held at a checkpoint"}});
    verb->callback([reference, &invocation] {
        invocation.perform = [reference, &invocation] { return list(invocation, *reference); };
    });
}

void add_lease(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = app.add_subcommand("lease", "Expire or renew a lease of a running process");
    verb->require_subcommand(1);
    CLI::App* expire = add_change(*verb, invocation, "expire",
                                  "Take a lease back; the guest's next use gets the service again",
                                  process::ControlVerb::expire_lease);
    give_examples(*expire, {{"vm lease expire job 3", "lease 3 of vm leases job"},
                            {"vm lease expire --all job", "every one"}});
    CLI::App* renew =
        add_change(*verb, invocation, "renew",
                   "Begin a lease's time anew, and get the service again if it has expired",
                   process::ControlVerb::renew_lease);
    give_examples(*renew, {{"vm lease renew job 3", "lease 3 of vm leases job"},
                           {"vm lease renew --all job", "every one"}});
}

}  // namespace sojourn::tools
