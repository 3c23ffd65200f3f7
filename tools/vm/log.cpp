#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/printable.hpp"
#include "process/file_moments.hpp"
#include "process/history_graph.hpp"
#include "process/reference.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<void> print_as_json(const std::vector<store::CheckpointInfo>& checkpoints,
                           std::uint64_t file_history_bytes) {
    Json rows = Json::array();
    for (const store::CheckpointInfo& info : checkpoints)
        rows.push_back(json_of(info));
    Json object = new_json();
    object["checkpoints"] = std::move(rows);
    object["file_history_bytes"] = file_history_bytes;
    return print_json(object);
}

Result<void> print_for_people(const std::vector<store::CheckpointInfo>& checkpoints,
                              store::Version head) {
    std::vector<std::vector<Cell>> table;
    for (const process::GraphRow& row : process::draw_history(checkpoints, head)) {
        table.push_back({{row.lines, Colour::yellow}});
        if (row.checkpoint == nullptr) continue;
        const store::CheckpointInfo& info = *row.checkpoint;
        const Colour colour = info.id == head ? Colour::green : Colour::none;
        const std::vector<Cell> cells{
            {std::to_string(static_cast<std::uint64_t>(info.id)), colour, true},
            {rfc3339(info.time_us)},
            {std::to_string(info.dirty_pages), {}, true},
            {bytes_for_people(info.written_bytes), {}, true},
            {microseconds_for_people(info.pause_us), {}, true},
            {microseconds_for_people(info.durable_us), {}, true},
            {checkpoint_words(info, head)}};
        table.back().insert(table.back().end(), cells.begin(), cells.end());
    }
    return print_table({"", "ID", "TIME", "DIRTY PAGES", "WRITTEN", "PAUSE", "DURABLE", "MESSAGE"},
                       table);
}

Result<int> perform_log(const Invocation& invocation, const std::string& name) {
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, name));
    const auto family = TRY(store->family(record.family));
    const auto checkpoints = TRY(family->checkpoints(record.id));
    const std::uint64_t file_history_bytes = process::file_history_bytes(*store, record);
    TRY(invocation.json ? print_as_json(checkpoints, file_history_bytes)
                        : print_for_people(checkpoints, record.head));
    return 0;
}

}  // namespace

void add_log(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "log",
                              "Draw the tree of a process's checkpoints, the newest on top");
    auto name = std::make_shared<std::string>();
    verb->add_option("process", *name, "The process's name")->required()->type_name("N");
    give_examples(*verb,
                  {{"vm log job", "what each checkpoint wrote, how long the guest stood still"},
                   {"vm log job --json | jq '.checkpoints[-1].id'", "for scripts"}});
    verb->callback([name, &invocation] {
        invocation.perform = [name, &invocation] { return perform_log(invocation, *name); };
    });
}

}  // namespace sojourn::tools
