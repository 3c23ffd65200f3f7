#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "process/process.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/detached_runner.hpp"
#include "tools/vm/lease_table.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/resume_arguments.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

using Outlook = leases::Admission::Outlook;

std::string obstacle_to(const Outlook& outlook) {
    if (outlook.not_granted) return outlook.not_granted->description() + " is not granted";
    return outlook.obstacle ? outlook.obstacle->message : "";
}

Result<void> print_as_json(const process::Examination& examination) {
    Json object = new_json();
    object["process"] = {{"id", examination.process.id.hex()}, {"name", examination.process.name}};
    object["resumable"] = examination.verdict.ok();
    object["leases"] = Json::array();
    for (const Outlook& outlook : examination.leases) {
        Json row{{"id", static_cast<std::uint64_t>(outlook.lease.id)},
                 {"kind", leases::text_of(outlook.lease.kind)},
                 {"service", outlook.lease.description},
                 {"required", outlook.is_required},
                 {"available", outlook.is_available()},
                 {"why", nullptr}};
        if (!outlook.is_available()) row["why"] = obstacle_to(outlook);
        object["leases"].push_back(std::move(row));
    }
    return print_json(object);
}

Result<void> print_for_people(const process::Examination& examination) {
    std::vector<std::vector<Cell>> table;
    for (const Outlook& outlook : examination.leases) {
        const bool is_there = outlook.is_available();
        const Colour colour = is_there              ? Colour::green
                              : outlook.is_required ? Colour::red
                                                    : Colour::yellow;
        table.push_back({{std::to_string(static_cast<std::uint64_t>(outlook.lease.id)), {}, true},
                         {std::string(leases::text_of(outlook.lease.kind))},
                         {is_there              ? "available"
                          : outlook.is_required ? "missing"
                                                : "lost",
                          colour},
                         {printable(outlook.lease.description)},
                         {printable(obstacle_to(outlook))}});
    }
    return print_table({"ID", "KIND", "HERE", "SERVICE", "WHY"}, table);
}

Result<int> examine(const process::ResumeOptions& options, const Invocation& invocation) {
    const auto examination = TRY(process::examine(options, host_of(invocation)));
    TRY(invocation.json ? print_as_json(examination) : print_for_people(examination));
    TRY(examination.verdict);
    return 0;
}

struct ResumeVerbArguments {
    ResumeArguments resume;
    std::string reference;
    bool takes_over = false;
    bool is_dry_run = false;
};

Result<int> perform(const ResumeVerbArguments& arguments, const Invocation& invocation) {
    auto options = TRY(arguments.resume.parse(invocation, arguments.reference));
    options.takes_over = arguments.takes_over;
    if (arguments.is_dry_run) return examine(options, invocation);
    return run_or_detach(options.execution, invocation, [&](const process::HostProcess& host) {
        return process::resume(options, host);
    });
}

}  // namespace

void add_resume(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "resume",
                              "Continue a process from its newest checkpoint, or an older one");
    auto arguments = std::make_shared<ResumeVerbArguments>();
    verb->add_option("process", arguments->reference,
                     "NAME or NAME@ID; an older checkpoint opens a branch")
        ->required()
        ->type_name("N[@ID]");
    arguments->resume.add_to(*verb, invocation);
    verb->add_flag("--dry-run", arguments->is_dry_run,
                   "Only tell which of its leases can be had here, and why not");
    verb->add_flag("--take-over", arguments->takes_over,
                   "Kill a runner that lives, and go on from the newest checkpoint");
    give_examples(*verb, {{"vm resume job", "go on where it stood"},
                          {"vm resume -d job", "… in the background"},
                          {"vm resume job@7", "from an older checkpoint, on a branch of its own"},
                          {"vm resume --dry-run job", "whether all that it needs is here"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(*arguments, invocation); };
    });
}

}  // namespace sojourn::tools
