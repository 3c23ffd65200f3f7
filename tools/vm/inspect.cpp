#include <CLI/CLI.hpp>

#include "tools/vm/inspect_verbs.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

void add_inspect(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = app.add_subcommand("inspect", "Look into a module or an image: module, image");
    verb->require_subcommand(1);
    add_inspect_module(*verb, invocation);
    add_inspect_image(*verb, invocation);
}

}  // namespace sojourn::tools
