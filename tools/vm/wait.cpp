#include <CLI/CLI.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/ended_process.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<int> perform_wait(const Invocation& invocation, const std::string& name) {
    auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, name));
    const auto run_directory = store->run_directory();
    store.reset();
    process::wait_until_ended(run_directory, record.id);
    return exit_code_of_ended(invocation, record.id);
}

}  // namespace

void add_wait(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "wait",
                              "Wait until a process ends or is suspended; exits as its guest did");
    auto name = std::make_shared<std::string>();
    verb->add_option("process", *name, "The process's name")->required()->type_name("N");
    give_examples(
        *verb, {{"vm wait job; echo $?", "its exit code; 75 when it was suspended"}},
        "Exit codes: the guest's own; 134 after a trap; 75 when it is suspended; 125 when "
        "it has crashed.");
    verb->callback([name, &invocation] {
        invocation.perform = [name, &invocation] { return perform_wait(invocation, *name); };
    });
}

}  // namespace sojourn::tools
