#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/compile_ahead.hpp"
#include "process/program.hpp"
#include "tools/vm/code_cache_options.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

namespace {

struct CompileArguments {
    std::string program;
    unsigned threads = 0;  ///< 0: as many as there are processors
    CodeCacheArguments code_cache;
};

unsigned threads_of(const CompileArguments& arguments) {
    if (arguments.threads != 0) return arguments.threads;
    return std::max(1U, std::thread::hardware_concurrency());
}

Result<void> print_as_json(const std::string& store, const vm::Module& module,
                           const process::AheadReport& report) {
    Json object = new_json();
    object["store"] = store;
    object["sha256"] = module.digest().hex();
    object["functions"] = report.functions;
    object["compiled"] = report.compiled;
    object["present"] = report.present;
    object["refused"] = report.refused;
    object["object_bytes"] = report.object_bytes;
    return print_json(object);
}

Result<void> print_for_people(const std::string& program, const process::AheadReport& report) {
    TRY(print_line(fmt::format("{}: {} of {} functions compiled, {}; {} were there", program,
                               report.compiled, report.functions,
                               bytes_for_people(report.object_bytes), report.present)));
    for (const auto& [why, count] : report.refused)
        TRY(print_line(fmt::format("  {} left to the interpreter: {}", count, why)));
    return {};
}

Result<int> perform_compile(const CompileArguments& arguments, const Invocation& invocation) {
    process::AheadOptions options;
    options.store_location = TRY(store_location(invocation));
    options.code_cache = TRY(arguments.code_cache.parse());
    options.threads = threads_of(arguments);
    const auto module = TRY(process::load_module_file(arguments.program));
    process::AheadReport report;
    {
        Progress progress("compiled", process::body_bytes(*module));
        report = TRY(process::compile_ahead(*module, options, host_of(invocation),
                                            [&](std::uint64_t bytes) { progress.add(bytes); }));
    }
    TRY(invocation.json ? print_as_json(options.store_location, *module, report)
                        : print_for_people(arguments.program, report));
    return 0;
}

}  // namespace

void add_compile(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "compile", "Compile all functions of a module, for runs to come");
    auto arguments = std::make_shared<CompileArguments>();
    verb->add_option("program", arguments->program, "A WebAssembly binary")
        ->required()
        ->type_name("FILE");
    verb->add_option("--jit-threads", arguments->threads,
                     "How many threads compile; as many as there are processors unless given")
        ->type_name("N")
        ->check(CLI::Range(1, 64));
    arguments->code_cache.add_to(*verb);
    give_examples(*verb,
                  {{"vm compile prog.wasm", "its code is in the store from now on"},
                   {"vm run prog.wasm", "… and used at once"},
                   {"vm compile --json prog.wasm", "for scripts: how many, and why not all"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] {
            return perform_compile(*arguments, invocation);
        };
    });
}

}  // namespace sojourn::tools
