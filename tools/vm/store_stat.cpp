#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/region_contents.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/store_verbs.hpp"

namespace sojourn::tools {

namespace {

using store::StoreUsage;

/// Less is not worth writing the store anew.
constexpr std::uint64_t kFreeBytesNoted = std::uint64_t{256} << 20U;

struct UsageRow {
    const char* name;  ///< in JSON with `_bytes` behind it
    const char* text;
    std::uint64_t StoreUsage::*bytes;
};
constexpr std::array kKinds{
    UsageRow{"memory", "memory of the guests", &StoreUsage::memory},
    UsageRow{"volumes", "volumes", &StoreUsage::volumes},
    UsageRow{"machine_states", "machine states", &StoreUsage::machine_states},
    UsageRow{"modules", "modules", &StoreUsage::modules},
    UsageRow{"code", "compiled code", &StoreUsage::code},
    UsageRow{"pending", "being written or removed", &StoreUsage::pending},
    UsageRow{"file_history", "files as they were, and logs", &StoreUsage::file_history},
    UsageRow{"structure", "trees and records", &StoreUsage::structure},
    UsageRow{"free", "free pages", &StoreUsage::free},
    UsageRow{"other", "locks and notes", &StoreUsage::other},
};

Json usage_json(const store::ProcessUsage& process) {
    return {{"process", {{"id", process.id.hex()}, {"name", process.name}}},
            {"family", process.family.hex()},
            {"checkpoints", process.checkpoints},
            {"alone_bytes", process.alone_bytes},
            {"shared_bytes", process.shared_bytes},
            {"file_history_bytes", process.file_history_bytes}};
}

Result<void> print_as_json(const store::Store& store, const StoreUsage& usage) {
    Json object = new_json();
    object["store"] = store.directory();
    object["files_bytes"] = usage.files;
    object["allocated_bytes"] = usage.allocated;
    for (const UsageRow& kind : kKinds)
        object["kinds"][std::string(kind.name) + "_bytes"] = usage.*kind.bytes;
    object["processes"] = Json::array();
    for (const store::ProcessUsage& process : usage.processes)
        object["processes"].push_back(usage_json(process));
    object["modules"] = Json::array();
    for (const store::ModuleUsage& module : usage.all_modules)
        object["modules"].push_back({{"sha256", module.digest.hex()}, {"bytes", module.bytes}});
    return print_json(object);
}

Cell bytes_cell(std::uint64_t bytes) {
    return {bytes_for_people(bytes), Colour::none, true};
}

Result<void> print_for_people(const StoreUsage& usage) {
    std::vector<std::vector<Cell>> kinds;
    for (const UsageRow& kind : kKinds) {
        if (usage.*kind.bytes > 0) kinds.push_back({{kind.text}, bytes_cell(usage.*kind.bytes)});
    }
    kinds.push_back({{"all files"}, bytes_cell(usage.files)});
    TRY(print_table({"WHAT", "SIZE"}, kinds));
    if (usage.free >= kFreeBytesNoted && usage.free >= usage.files / 4) {
        TRY(print_line(fmt::format("vm store compact gives {} of free pages back",
                                   bytes_for_people(usage.free))));
    }
    if (usage.processes.empty()) return {};
    std::vector<std::vector<Cell>> processes;
    for (const store::ProcessUsage& process : usage.processes) {
        processes.push_back({{process.name.empty() ? process.id.hex() : process.name},
                             bytes_cell(process.alone_bytes),
                             bytes_cell(process.shared_bytes),
                             bytes_cell(process.file_history_bytes),
                             {std::to_string(process.checkpoints), Colour::none, true}});
    }
    TRY(print_line(""));
    return print_table({"PROCESS", "ALONE", "SHARED", "FILES", "CHECKPOINTS"}, processes);
}

Result<int> perform_store_stat(const Invocation& invocation) {
    const auto store = TRY(open_store(invocation));
    const StoreUsage usage =
        TRY(store::measure_usage(*store, process::region_contents(store->unit_bytes())));
    TRY(invocation.json ? print_as_json(*store, usage) : print_for_people(usage));
    return 0;
}

}  // namespace

void add_store_stat(CLI::App& verb, Invocation& invocation) {
    CLI::App* stat = add_verb(verb, invocation, "stat",
                              "Tell what occupies the space of a store, by what it is and by "
                              "process");
    give_examples(*stat,
                  {{"vm store stat", "what is there, and what each process holds alone and shares"},
                   {"vm store stat --json", "for scripts: in bytes"}});
    stat->callback([&invocation] {
        invocation.perform = [&invocation] { return perform_store_stat(invocation); };
    });
}

}  // namespace sojourn::tools
