#pragma once

#include "tools/vm/admission_options.hpp"
#include "tools/vm/execution_options.hpp"

namespace sojourn::tools {

/// How a process is to be resumed, for the verbs that do so.
struct ResumeArguments {
    ExecutionOptions execution;
    AdmissionOptions admission;
    std::vector<std::string> on_resume;
    std::vector<std::string> environment;
    std::string prefetch = "on";

    void add_to(CLI::App& verb, Invocation& invocation);
    /// `reference` is `NAME[@ID]`. Errors: invalid_argument.
    Result<process::ResumeOptions> parse(const Invocation& invocation,
                                         const std::string& reference) const;
};

}  // namespace sojourn::tools
