#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tools/vm/command_tree.hpp"
#include "tools/vm/difference_report.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

using process::StoredCheckpoint;

Result<int> perform_diff(const Invocation& invocation, const std::string& left_text,
                         const std::string& right_text) {
    const auto left_reference = TRY(process::Reference::parse(left_text));
    const auto right_reference = TRY(process::Reference::parse(right_text));
    const auto host = host_of(invocation);
    const auto store = TRY(open_store(invocation));
    const auto left = TRY(StoredCheckpoint::open(*store, left_reference, host));
    const auto right = TRY(StoredCheckpoint::open(*store, right_reference, host));
    const auto difference = TRY(process::difference(*left, *right));
    TRY(invocation.json ? print_json(json_of(*left, *right, difference))
                        : print_difference(*left, *right, difference));
    return 0;
}

}  // namespace

void add_diff(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "diff",
                              "Compare two checkpoints: memory, calls, globals, what is open");
    auto left = std::make_shared<std::string>();
    auto right = std::make_shared<std::string>();
    verb->add_option("left", *left, "NAME, or NAME@ID for an older checkpoint than the newest")
        ->required()
        ->type_name("A[@X]");
    verb->add_option("right", *right, "The same of what to compare it with")
        ->required()
        ->type_name("B[@Y]");
    give_examples(*verb, {{"vm diff job@3 job@4", "what the process did between two checkpoints"},
                          {"vm diff job twin --json", "how far two processes are apart"}});
    verb->callback([left, right, &invocation] {
        invocation.perform = [left, right, &invocation] {
            return perform_diff(invocation, *left, *right);
        };
    });
}

}  // namespace sojourn::tools
