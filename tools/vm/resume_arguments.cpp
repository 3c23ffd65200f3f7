#include "tools/vm/resume_arguments.hpp"

#include <CLI/CLI.hpp>

#include "tools/vm/guest_options.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

void ResumeArguments::add_to(CLI::App& verb, Invocation& invocation) {
    admission.add_to(verb);
    verb.add_option("--on-resume", on_resume,
                    "What becomes of files below the guest's directory GUEST, or of all: rollback, "
                    "rollback,sync, keep or refuse; instead of what was given at the start; may be "
                    "repeated")
        ->type_name("[GUEST=]POLICY")
        ->allow_extra_args(false);
    verb.add_option("--env", environment,
                    "A variable for the guest, KEY=VALUE, new or instead of what it was; may be "
                    "repeated")
        ->type_name("K=V")
        ->allow_extra_args(false);
    add_checkpoint_store_option(verb, invocation);
    execution.add_to(verb);
    verb.add_option("--prefetch", prefetch,
                    "Whether what was in memory at the checkpoint is brought in ahead of its use, "
                    "beside the guest: on or off")
        ->type_name("on|off")
        ->capture_default_str()
        ->check(CLI::IsMember({"on", "off"}));
}

Result<process::ResumeOptions> ResumeArguments::parse(const Invocation& invocation,
                                                      const std::string& reference) const {
    process::ResumeOptions options;
    options.execution = TRY(execution.parse(invocation));
    options.execution.prefetch = prefetch == "on";
    options.process = TRY(process::Reference::parse(reference));
    options.admission = TRY(admission.parse());
    for (const std::string& text : on_resume)
        options.on_resume.push_back(TRY(parse_on_resume_choice(text)));
    for (const std::string& text : environment)
        options.environment.push_back(TRY(parse_environment(text)));
    return options;
}

}  // namespace sojourn::tools
