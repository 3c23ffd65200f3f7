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

struct RemovalArguments {
    std::string reference;
    bool is_dry_run = false;
};

Result<void> remove_checkpoint(store::Store& store, const store::ProcessRecord& record,
                               store::Version checkpoint) {
    const auto family = TRY(store.family(record.family));
    TRY(process::expect_in_history(*family, record, checkpoint));
    const auto removed = family->remove_checkpoint(checkpoint);
    if (removed.ok() || removed.error().code != ErrorCode::busy) return removed;
    return fail(ErrorCode::busy,
                "{} is where a process stands; vm rm {} removes it with all its checkpoints",
                process::display_name(record, checkpoint), process::display_name(record));
}

/// What would be free, if it can be removed.
Result<std::uint64_t> freed_bytes(store::Store& store, const store::ProcessRecord& record,
                                  std::optional<store::Version> checkpoint) {
    const auto family = TRY(store.family(record.family));
    if (checkpoint) return family->bytes_freed_by({.checkpoints = {*checkpoint}});
    const std::uint64_t values =
        TRY(family->bytes_freed_by({.checkpoints = {}, .process = record.id}));
    return values + process::file_history_bytes(store, record);
}

Result<int> tell(const Invocation& invocation, store::Store& store,
                 const store::ProcessRecord& record, std::optional<store::Version> checkpoint) {
    const std::uint64_t bytes = TRY(freed_bytes(store, record, checkpoint));
    const std::string name =
        checkpoint ? process::display_name(record, *checkpoint) : process::display_name(record);
    Json object = new_json();
    object["removed"] = name;
    object["dry_run"] = true;
    object["freed_bytes"] = bytes;
    TRY(invocation.json
            ? print_json(object)
            : print_line(fmt::format("without {}: would free {}", name, bytes_for_people(bytes))));
    return 0;
}

Result<store::ProcessRecord> find_removable(store::Store& store,
                                            const process::Reference& reference) {
    auto found = process::find(store, reference.process);
    // A process is removed whatever has become of its family.
    if (!found.ok() && reference.checkpoint.empty()) {
        auto listed = process::find_listed(store, reference.process);
        if (listed.ok()) found = std::move(listed);
    }
    return found;
}

Result<process::RunnerLock> lock_to_remove(const store::Store& store,
                                           const store::ProcessRecord& record) {
    auto lock = process::RunnerLock::acquire(store.run_directory(), record.id);
    if (lock.ok() || lock.error().code != ErrorCode::busy) return lock;
    const std::string name = process::display_name(record);
    return fail(ErrorCode::busy, "process '{}' can't be removed: {}; vm suspend {} stops it", name,
                lock.error().message, name);
}

Result<int> perform(const Invocation& invocation, const RemovalArguments& arguments) {
    const auto reference = TRY(process::Reference::parse(arguments.reference));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(find_removable(*store, reference));
    auto lock = TRY(lock_to_remove(*store, record));
    const auto checkpoint = TRY(process::checkpoint_of(*store, record, reference));
    if (arguments.is_dry_run) return tell(invocation, *store, record, checkpoint);
    if (checkpoint) {
        TRY(remove_checkpoint(*store, record, *checkpoint));
        TRY(process::drop_old_file_history(*store, record));
    } else {
        TRY(store->remove_process(record.id));
        lock.remove();
    }
    if (invocation.json) {
        Json object = new_json();
        object["removed"] =
            checkpoint ? process::display_name(record, *checkpoint) : process::display_name(record);
        TRY(print_json(object));
    }
    return 0;
}

}  // namespace

void add_rm(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "rm", "Remove a process with its checkpoints, or one checkpoint");
    auto arguments = std::make_shared<RemovalArguments>();
    verb->add_option("process", arguments->reference, "NAME, or NAME@ID for one checkpoint")
        ->required()
        ->type_name("N[@ID]");
    verb->add_flag("--dry-run", arguments->is_dry_run, "Only tell how much that would free");
    give_examples(*verb, {{"vm rm job", "the process with all its checkpoints"},
                          {"vm rm --dry-run job", "what that would free"},
                          {"vm rm job@7", "one checkpoint; the others stay whole"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
