#include <CLI/CLI.hpp>

#include "process/process.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<int> perform(const ExecutionOptions& execution, const std::string& prefetch,
                    const std::string& reference, const Invocation& invocation) {
    process::ResumeOptions options;
    options.execution = TRY(execution.parse(invocation));
    options.execution.prefetch = prefetch == "on";
    options.process = TRY(process::Reference::parse(reference));
    const auto outcome = TRY(process::resume(options, host_of(invocation)));
    return report(invocation, outcome);
}

}  // namespace

void add_resume(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "resume",
                              "Continue a process from its newest checkpoint, or an older one");
    auto execution = std::make_shared<ExecutionOptions>();
    auto prefetch = std::make_shared<std::string>("on");
    auto reference = std::make_shared<std::string>();
    verb->add_option("process", *reference, "NAME or NAME@ID; an older checkpoint opens a branch")
        ->required()
        ->type_name("N[@ID]");
    add_checkpoint_store_option(*verb, invocation);
    execution->add_to(*verb);
    verb->add_option("--prefetch", *prefetch,
                     "Whether what was in memory at the checkpoint is brought in ahead of its use, "
                     "beside the guest: on or off")
        ->type_name("on|off")
        ->capture_default_str()
        ->check(CLI::IsMember({"on", "off"}));
    verb->callback([execution, prefetch, reference, &invocation] {
        invocation.perform = [execution, prefetch, reference, &invocation] {
            return perform(*execution, *prefetch, *reference, invocation);
        };
    });
}

}  // namespace sojourn::tools
