#include <CLI/CLI.hpp>

#include "tools/vm/verbs.hpp"
#include "tools/vm/volume_verbs.hpp"

namespace sojourn::tools {

void add_volume(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        app.add_subcommand("volume", "Look into the volumes of a process, or copy: ls, cp");
    verb->require_subcommand(1);
    add_volume_ls(*verb, invocation);
    add_volume_cp(*verb, invocation);
}

}  // namespace sojourn::tools
