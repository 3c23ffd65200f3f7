#include <CLI/CLI.hpp>

#include "base/quantity.hpp"
#include "process/process.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/detached_runner.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/guest_options.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"
#include "tools/vm/volume_option.hpp"

namespace sojourn::tools {

namespace {

struct RunArguments {
    ExecutionOptions execution;
    std::vector<std::string> directories;
    std::vector<std::string> volumes;
    std::vector<std::string> environment;
    std::string name;
    bool replace = false;
    std::string stack_size;
    std::string memory_size;
    std::vector<std::string> listeners;
    std::array<std::string, 3> streams;
    std::optional<std::uint64_t> seed;
    std::optional<std::uint64_t> fuel;
    std::string validate = "whole";
};

Result<vm::MachineOptions> parse_limits(const RunArguments& arguments) {
    vm::MachineOptions machine;
    if (!arguments.stack_size.empty())
        machine.stack_bytes_max = TRY(parse_size(arguments.stack_size));
    if (!arguments.memory_size.empty())
        machine.memory_bytes_max = TRY(parse_size(arguments.memory_size));
    if (arguments.fuel) machine.fuel = *arguments.fuel;
    return machine;
}

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
    if (arguments.name.empty() && arguments.execution.is_detached) {
        return fail(ErrorCode::invalid_argument,
                    "-d is for a process that stays; give it a --name, by which vm logs and vm "
                    "attach find it");
    }
    options.program = command.front();
    if (arguments.validate == "lazy") options.body_validation = vm::BodyValidation::lazy;
    options.name = arguments.name;
    options.replace = arguments.replace;
    for (const std::string& text : arguments.directories)
        options.launch.directories.push_back(TRY(parse_directory(text)));
    options.launch.volumes = TRY(parse_volumes(arguments.volumes));
    for (const std::string& text : arguments.environment)
        options.launch.environment.push_back(TRY(parse_environment(text)));
    options.launch.listeners = arguments.listeners;
    for (std::size_t i = 0; i < arguments.streams.size(); ++i) {
        if (!arguments.streams[i].empty())
            options.launch.streams[i] = TRY(parse_host_path(arguments.streams[i]));
    }
    options.launch.seed = arguments.seed;
    options.machine = TRY(parse_limits(arguments));
    options.launch.arguments = std::move(command);
    return options;
}

Result<int> perform(const RunArguments& arguments, const Invocation& invocation,
                    std::vector<std::string> command) {
    const auto options = TRY(parse(arguments, invocation, std::move(command)));
    return run_or_detach(options.execution, invocation, [&](const process::HostProcess& host) {
        return process::run(options, host);
    });
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
    verb->add_option(
            "--dir", arguments->directories,
            "A directory for the guest: HOST[::GUEST][:ro][,on-resume=rollback|rollback,sync|"
            "keep|refuse]; may be repeated")
        ->type_name("DIR")
        ->allow_extra_args(false);
    verb->add_option("--volume", arguments->volumes,
                     "A file system in the store for the guest: NAME::GUEST[:ro][,size=SIZE]; may "
                     "be repeated")
        ->type_name("VOLUME")
        ->allow_extra_args(false);
    verb->add_option("--env", arguments->environment,
                     "A variable for the guest, KEY=VALUE; may be repeated")
        ->type_name("K=V")
        ->allow_extra_args(false);
    verb->add_option("--max-stack", arguments->stack_size,
                     "How much the guest's stack may take: 64K, 8M (the default), 1G")
        ->type_name("SIZE");
    verb->add_option("--max-memory", arguments->memory_size,
                     "How much the guest's memories and tables may take together: 64M, 1G")
        ->type_name("SIZE");
    verb->add_option("--fuel", arguments->fuel,
                     "How many loop turns and calls the guest may make; it traps at the next")
        ->type_name("N")
        ->check(CLI::Range(std::uint64_t{1}, vm::kUnlimitedFuel - 1));
    verb->add_option("--seed", arguments->seed,
                     "Random bytes that are the same in each run with this number")
        ->type_name("N");
    verb->add_option("--tcp-listen", arguments->listeners,
                     "A socket for the guest that listens on HOST:PORT; may be repeated")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    verb->add_option("--stdin", arguments->streams[0], "A file as the guest's standard input")
        ->type_name("FILE");
    verb->add_option("--stdout", arguments->streams[1], "A file for the guest's standard output")
        ->type_name("FILE");
    verb->add_option("--stderr", arguments->streams[2], "A file for the guest's standard error")
        ->type_name("FILE");
    verb->add_option(
            "--validate", arguments->validate,
            "When functions are validated: whole, before anything runs, or lazy, each when "
            "it is first called; whole unless given")
        ->type_name("WHEN")
        ->check(CLI::IsMember({"whole", "lazy"}));
    add_checkpoint_store_option(*verb, invocation);
    arguments->execution.add_to(*verb);
    // What follows the program is the guest's, even if it looks like an option.
    verb->prefix_command();
    give_examples(
        *verb,
        {{"vm run prog.wasm one two", "with arguments; nothing of it stays"},
         {"vm run --dir data prog.wasm data/in.txt", "it may use ./data"},
         {"vm run --name job prog.wasm", "a process that stays"},
         {"vm run -d --name job prog.wasm", "the same in the background"},
         {"vm run --name job --checkpoint-every 1m --keep last=10 prog.wasm",
          "kill -9 costs a minute"},
         {"vm run --tcp-listen 127.0.0.1:8080 server.wasm", "it may listen there"}},
        "Exit codes: the guest's own; 134 after a trap; 75 when it was suspended; 124 when "
        "its time was up; 125 for an error of vm.");
    verb->callback([verb, arguments, &invocation] {
        invocation.perform = [verb, arguments, &invocation] {
            return perform(*arguments, invocation, verb->remaining());
        };
    });
}

}  // namespace sojourn::tools
