#include <CLI/CLI.hpp>

#include "process/process.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/detached_runner.hpp"
#include "tools/vm/resume_arguments.hpp"
#include "tools/vm/running_process.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct SwitchArguments {
    ResumeArguments resume;
    std::string from;
    std::string to;
};

/// Before anything is stopped: that there is something to go on with. What the first one holds may
/// be what the other one waits for, so that leases do not matter yet.
Result<void> expect_resumable(const process::ResumeOptions& options, const Invocation& invocation,
                              const store::ProcessRecord& from) {
    const auto store = TRY(open_store(invocation));
    const auto to = TRY(process::find(*store, options.process.process));
    process::ResumeOptions later = options;
    later.takes_over = to.id == from.id;
    TRY(process::examine(later, host_of(invocation)));
    return {};
}

Result<int> perform_switch(const SwitchArguments& arguments, const Invocation& invocation) {
    const auto options = TRY(arguments.resume.parse(invocation, arguments.to));
    const RunningProcess from = TRY(find_running(invocation, arguments.from));
    TRY(expect_resumable(options, invocation, from.record));
    TRY(process::suspend(from.run_directory, from.record));
    const auto resumed = run_or_detach(
        options.execution, invocation,
        [&](const process::HostProcess& host) { return process::resume(options, host); });
    if (resumed.ok()) return resumed;
    return fail(resumed.error().code, "{}; '{}' is suspended: vm resume {} goes back to it",
                resumed.error().message, process::display_name(from.record),
                process::display_name(from.record));
}

}  // namespace

void add_switch(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "switch",
                              "Suspend a running process and resume another one in its place");
    auto arguments = std::make_shared<SwitchArguments>();
    verb->add_option("from", arguments->from, "The process that runs")->required()->type_name("A");
    verb->add_option("to", arguments->to, "NAME or NAME@ID, as of vm resume")
        ->required()
        ->type_name("B[@ID]");
    arguments->resume.add_to(*verb, invocation);
    give_examples(*verb, {{"vm switch job other", "suspend job, resume other"},
                          {"vm switch job job@good", "take a running process back"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] {
            return perform_switch(*arguments, invocation);
        };
    });
}

}  // namespace sojourn::tools
