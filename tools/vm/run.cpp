#include <CLI/CLI.hpp>

#include "process/process.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/guest_options.hpp"
#include "tools/vm/quantity.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct RunArguments {
    ExecutionOptions execution;
    std::vector<std::string> directories;
    std::vector<std::string> environment;
    std::string name;
    bool replace = false;
    std::string stack_size;
};

Result<process::RunOptions> parse(const RunArguments& arguments, const Invocation& invocation,
                                  std::vector<std::string> command) {
    if (command.empty()) {
        return fail(ErrorCode::invalid_argument, "no program; vm run [options] prog.wasm args…");
    }
    if (command.front().starts_with('-')) {
        return fail(ErrorCode::invalid_argument, "no option '{}'; vm help run lists them",
                    command.front());
    }
    process::RunOptions options;
    options.execution = TRY(arguments.execution.parse(invocation));
    if (arguments.name.empty() && arguments.execution.checkpoints.are_given()) {
        return fail(ErrorCode::invalid_argument,
                    "--checkpoint-every and --keep are for a process that stays; give it a --name");
    }
    if (arguments.name.empty() && !invocation.checkpoint_store.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "--checkpoint-store is for a process that stays; give it a --name");
    }
    options.program = command.front();
    options.name = arguments.name;
    options.replace = arguments.replace;
    for (const std::string& text : arguments.directories)
        options.launch.directories.push_back(TRY(parse_directory(text)));
    for (const std::string& text : arguments.environment)
        options.launch.environment.push_back(TRY(parse_environment(text)));
    if (!arguments.stack_size.empty()) {
        options.machine.stack_bytes_max = TRY(parse_size(arguments.stack_size));
    }
    options.launch.arguments = std::move(command);
    return options;
}

Result<int> perform(const RunArguments& arguments, const Invocation& invocation,
                    std::vector<std::string> command) {
    const auto options = TRY(parse(arguments, invocation, std::move(command)));
    const auto outcome = TRY(process::run(options, host_of(invocation)));
    return report(invocation, outcome);
}

}  // namespace

void add_run(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "run",
                              "Run a program in the foreground: vm run [options] prog.wasm args…");
    auto arguments = std::make_shared<RunArguments>();
    verb->add_option("--name", arguments->name,
                     "Keep it as a process of this name: it can be suspended and resumed");
    verb->add_flag("--replace", arguments->replace,
                   "An ended process of that name goes, with its checkpoints");
    verb->add_option("--dir", arguments->directories,
                     "A directory for the guest: HOST[::GUEST][:ro][,key=value…]; may be repeated")
        ->type_name("DIR")
        ->allow_extra_args(false);
    verb->add_option("--env", arguments->environment,
                     "A variable for the guest, KEY=VALUE; may be repeated")
        ->type_name("K=V")
        ->allow_extra_args(false);
    verb->add_option("--max-stack", arguments->stack_size,
                     "How much the guest's stack may take: 64K, 8M (the default), 1G")
        ->type_name("SIZE");
    add_checkpoint_store_option(*verb, invocation);
    arguments->execution.add_to(*verb);
    // What follows the program is the guest's, even if it looks like an option.
    verb->prefix_command();
    verb->footer(
        "Exit codes: the guest's own; 134 after a trap; 75 when it was suspended; 125 for an "
        "error of vm.");
    verb->callback([verb, arguments, &invocation] {
        invocation.perform = [verb, arguments, &invocation] {
            return perform(*arguments, invocation, verb->remaining());
        };
    });
}

}  // namespace sojourn::tools
