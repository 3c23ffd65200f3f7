#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "store/compact.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/store_verbs.hpp"

namespace sojourn::tools {

namespace {

Result<store::CompactionReport> compact(store::Store& store, bool is_dry_run) {
    const store::CompactionReport planned = TRY(store::plan_compaction(store));
    if (is_dry_run) return planned;
    Progress progress("copied", planned.copied_bytes);
    return store::compact_store(store, [&](std::uint64_t bytes) { progress.add(bytes); });
}

Result<void> print_as_json(const store::Store& store, const store::CompactionReport& report,
                           bool is_dry_run) {
    Json object = new_json();
    object["store"] = store.directory();
    object["dry_run"] = is_dry_run;
    object["databases"] = report.databases;
    object["before_bytes"] = report.before_bytes;
    object["after_bytes"] = report.after_bytes;
    object["pause_us"] = report.pause_us;
    return print_json(object);
}

Result<void> print_for_people(const store::Store& store, const store::CompactionReport& report,
                              bool is_dry_run) {
    const std::string place = store.directory();
    const std::string before = bytes_for_people(report.before_bytes);
    const std::string after = bytes_for_people(report.after_bytes);
    if (report.databases == 0)
        return print_line(fmt::format("{}: {}, and little to gain", place, before));
    if (is_dry_run) return print_line(fmt::format("{}: {}, would be {}", place, before, after));
    return print_line(fmt::format("{}: {}, was {}; writers waited {} at most", place, after, before,
                                  microseconds_for_people(report.pause_us)));
}

Result<int> perform_store_compact(const Invocation& invocation, bool is_dry_run) {
    const auto store = TRY(open_store(invocation));
    const store::CompactionReport report = TRY(compact(*store, is_dry_run));
    TRY(invocation.json ? print_as_json(*store, report, is_dry_run)
                        : print_for_people(*store, report, is_dry_run));
    return 0;
}

}  // namespace

void add_store_compact(CLI::App& verb, Invocation& invocation) {
    CLI::App* compact =
        add_verb(verb, invocation, "compact",
                 "Give the space of what was removed back to the file system, while processes run");
    auto is_dry_run = std::make_shared<bool>(false);
    compact->add_flag("--dry-run", *is_dry_run, "Change nothing; tell what it would free");
    give_examples(*compact, {{"vm store compact --dry-run", "how small the store would be"},
                             {"vm store compact", "make it so, also while processes run"}});
    compact->callback([is_dry_run, &invocation] {
        invocation.perform = [is_dry_run, &invocation] {
            return perform_store_compact(invocation, *is_dry_run);
        };
    });
}

}  // namespace sojourn::tools
