#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/file_moments.hpp"
#include "process/reference.hpp"
#include "process/runner_lock.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<void> remove_checkpoint(store::Store& store, const store::ProcessRecord& record,
                               store::Version checkpoint) {
    const auto family = TRY(store.family(record.family));
    const auto removed = family->remove_checkpoint(checkpoint);
    if (removed.ok() || removed.error().code != ErrorCode::busy) return removed;
    return fail(ErrorCode::busy,
                "{} is where a process stands; vm rm {} removes it with all its checkpoints",
                process::display_name(record, checkpoint), process::display_name(record));
}

Result<int> perform(const Invocation& invocation, const std::string& text) {
    const auto reference = TRY(process::Reference::parse(text));
    const auto store = TRY(open_store(invocation));
    auto found = process::find(*store, reference.process);
    // A process is removed whatever has become of its family.
    if (!found.ok() && !reference.checkpoint) {
        auto listed = process::find_listed(*store, reference.process);
        if (listed.ok()) found = std::move(listed);
    }
    const auto record = TRY(std::move(found));
    const std::string name = process::display_name(record);
    auto lock = process::RunnerLock::acquire(store->run_directory(), record.id);
    if (!lock.ok() && lock.error().code != ErrorCode::busy) return lock.error();
    if (!lock.ok()) {
        return fail(ErrorCode::busy, "process '{}' can't be removed: {}; vm suspend {} stops it",
                    name, lock.error().message, name);
    }
    if (reference.checkpoint) {
        TRY(remove_checkpoint(*store, record, *reference.checkpoint));
        TRY(process::drop_old_file_history(*store, record));
    } else {
        TRY(store->remove_process(record.id));
        lock->remove();
    }
    if (invocation.json) {
        Json object = new_json();
        object["removed"] =
            reference.checkpoint ? process::display_name(record, *reference.checkpoint) : name;
        TRY(print_json(object));
    }
    return 0;
}

}  // namespace

void add_rm(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "rm", "Remove a process with its checkpoints, or one checkpoint");
    auto reference = std::make_shared<std::string>();
    verb->add_option("process", *reference, "NAME, or NAME@ID for one checkpoint")
        ->required()
        ->type_name("N[@ID]");
    give_examples(*verb, {{"vm rm job", "the process with all its checkpoints"},
                          {"vm rm job@7", "one checkpoint; the others stay whole"}});
    verb->callback([reference, &invocation] {
        invocation.perform = [reference, &invocation] { return perform(invocation, *reference); };
    });
}

}  // namespace sojourn::tools
