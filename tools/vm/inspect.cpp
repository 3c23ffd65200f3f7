#include <CLI/CLI.hpp>

#include "tools/vm/inspect_verbs.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

void add_inspect(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "inspect",
                              "Look into a process as a checkpoint has it, a module or an image");
    add_inspect_process(*verb, invocation);
    add_inspect_module(*verb, invocation);
    add_inspect_image(*verb, invocation);
    verb->require_subcommand(0, 1);
}

}  // namespace sojourn::tools
