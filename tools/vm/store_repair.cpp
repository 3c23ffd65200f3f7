#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "process/stored_checkpoint.hpp"
#include "store/repair.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/damage_report.hpp"
#include "tools/vm/database_bytes.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/store_verbs.hpp"

namespace sojourn::tools {

namespace {

namespace fs = std::filesystem;

/// The processes of the new store that can't be resumed, as what they need beside their checkpoint
/// is damaged.
Result<std::vector<store::Problem>> find_unusable(const Invocation& invocation,
                                                  const fs::path& into) {
    const auto store = TRY(store::Store::open(into, {.create = false}, invocation.random));
    const process::HostProcess host{invocation.clock, invocation.random, [](const Error&) {}};
    std::vector<store::Problem> problems;
    for (const store::ProcessRecord& process : TRY(store->processes())) {
        if (process.head == store::kNoVersion) continue;
        process::Reference reference;
        reference.process = process.id.hex();
        const auto checkpoint = process::StoredCheckpoint::open(*store, reference, host);
        if (checkpoint.ok()) continue;
        problems.push_back({process::display_name(process), checkpoint.error().message});
    }
    return problems;
}

Result<void> print_as_json(const fs::path& from, const fs::path& into,
                           const store::RepairReport& report) {
    Json object = new_json();
    object["store"] = from;
    object["into"] = into;
    object["processes"] = report.processes;
    object["checkpoints"] = report.checkpoints;
    object["problems"] = json_of(report.problems);
    object["lost"] = json_of(report.lost);
    object["set_back"] = report.set_back;
    object["gone"] = report.gone;
    return print_json(object);
}

Result<void> print_for_people(const fs::path& into, const store::RepairReport& report) {
    TRY(print_damage(report.problems, report.lost));
    for (const std::string& process : report.set_back)
        TRY(print_line(
            fmt::format("{} stands at an older checkpoint: vm log {}", process, process)));
    for (const std::string& process : report.gone)
        TRY(print_line(fmt::format("{} is lost: no checkpoint of it is left", process)));
    return print_line(fmt::format("{}: {} processes, {} checkpoints", into.native(),
                                  report.processes, report.checkpoints));
}

Result<int> perform(const Invocation& invocation, const std::string& place) {
    const fs::path from = TRY(store_location(invocation));
    const fs::path into = fs::absolute(place).lexically_normal();
    store::RepairReport report;
    {
        Progress progress("read", database_bytes(from));
        report = TRY(store::repair_store(from, into, invocation.random,
                                         [&](std::uint64_t bytes) { progress.add(bytes); }));
    }
    for (store::Problem& problem : TRY(find_unusable(invocation, into)))
        report.problems.push_back(std::move(problem));
    TRY(invocation.json ? print_as_json(fs::absolute(from).lexically_normal(), into, report)
                        : print_for_people(into, report));
    return 0;
}

}  // namespace

void add_store_repair(CLI::App& verb, Invocation& invocation) {
    CLI::App* repair = add_verb(verb, invocation, "repair",
                                "Make a new store of all that is not damaged in one, and name the "
                                "rest; changes nothing of the damaged one");
    auto into = std::make_shared<std::string>();
    repair->add_option("--into", *into, "Where the new store is to be; nothing is there yet")
        ->required()
        ->type_name("DIR");
    give_examples(*repair, {{"vm store repair --into ~/repaired",
                             "everything that can be read in full, and a list of what can't"}});
    repair->callback([into, &invocation] {
        invocation.perform = [into, &invocation] { return perform(invocation, *into); };
    });
}

}  // namespace sojourn::tools
