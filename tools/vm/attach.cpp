#include <CLI/CLI.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/console_session.hpp"
#include "tools/vm/ended_process.hpp"
#include "tools/vm/log_view.hpp"
#include "tools/vm/running_process.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<int> perform_attach(const Invocation& invocation, const std::string& name) {
    const RunningProcess running = TRY(find_running(invocation, name));
    const std::string shown_name = process::display_name(running.record);
    const auto end =
        TRY(ConsoleSession::perform(running.run_directory, running.record, running.files));
    if (end == ConsoleSession::End::detached) {
        fmt::print(stderr, "vm: detached; {} goes on: vm attach{} {}\n", shown_name,
                   store_option(invocation), shown_name);
        return 0;
    }
    process::wait_until_ended(running.run_directory, running.record.id);
    show_runner_words(running.files);
    return exit_code_of_ended(invocation, running.record.id);
}

}  // namespace

void add_attach(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "attach",
                              "Show what a detached process says from now on, and type to it");
    auto name = std::make_shared<std::string>();
    verb->add_option("process", *name, "The process's name")->required()->type_name("N");
    give_examples(
        *verb, {{"vm attach job", "show what it says, type to it"}},
        "Ctrl-] leaves it alone again, Ctrl-D ends its input. Exit codes: 0 when you left; "
        "else as vm wait.");
    verb->callback([name, &invocation] {
        invocation.perform = [name, &invocation] { return perform_attach(invocation, *name); };
    });
}

}  // namespace sojourn::tools
