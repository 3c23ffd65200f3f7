#include <CLI/CLI.hpp>

#include "tools/vm/store_verbs.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

void add_store(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = app.add_subcommand(
        "store", "Make a store, or look after one: init, stat, verify, compact, repair");
    verb->require_subcommand(1);
    add_store_init(*verb, invocation);
    add_store_stat(*verb, invocation);
    add_store_verify(*verb, invocation);
    add_store_compact(*verb, invocation);
    add_store_repair(*verb, invocation);
}

}  // namespace sojourn::tools
