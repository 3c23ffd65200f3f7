#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct Row {
    store::ProcessRecord record;
    process::Observation observation;
};

Result<std::vector<Row>> rows_of(store::Store& store) {
    const auto run_directory = store.run_directory();
    std::vector<Row> rows;
    const auto records = TRY(store.processes());
    for (const store::ProcessRecord& listed : records) {
        const auto family = TRY(store.family(listed.family));
        const auto record = family->process(listed.id);
        // Removed since it was listed.
        if (!record.ok() && record.error().code == ErrorCode::not_found) continue;
        if (!record.ok()) return record.error();
        rows.push_back({*record, process::observe(run_directory, *record)});
    }
    return rows;
}

Result<void> print_rows_as_json(const std::vector<Row>& rows) {
    Json processes = Json::array();
    for (const Row& row : rows) {
        Json process{{"id", row.record.id.hex()},
                     {"name", row.record.name},
                     {"state", process::text_of(row.observation.state)},
                     {"pid", nullptr},
                     {"epoch", static_cast<std::uint64_t>(row.record.epoch)},
                     {"head", nullptr}};
        if (row.observation.pid != 0) process["pid"] = row.observation.pid;
        if (row.record.head != store::kNoVersion) {
            process["head"] = static_cast<std::uint64_t>(row.record.head);
        }
        processes.push_back(std::move(process));
    }
    Json object = new_json();
    object["processes"] = std::move(processes);
    return print_json(object);
}

Colour colour_of(process::ObservedState state) {
    switch (state) {
        case process::ObservedState::running:
            return Colour::green;
        case process::ObservedState::suspended:
            return Colour::yellow;
        case process::ObservedState::crashed:
            return Colour::red;
        case process::ObservedState::exited:
            return Colour::grey;
    }
    return Colour::none;
}

Result<void> print_rows_for_people(const std::vector<Row>& rows) {
    std::vector<std::vector<Cell>> table;
    for (const Row& row : rows) {
        const auto head = static_cast<std::uint64_t>(row.record.head);
        std::string state(process::text_of(row.observation.state));
        if (row.observation.state == process::ObservedState::exited) {
            state += fmt::format(" ({})", row.record.exit_code);
        }
        table.push_back(
            {{process::display_name(row.record)},
             {state, colour_of(row.observation.state)},
             {row.observation.pid == 0 ? "-" : std::to_string(row.observation.pid), {}, true},
             {std::to_string(static_cast<std::uint64_t>(row.record.epoch)), {}, true},
             {head == 0 ? "-" : std::to_string(head), {}, true},
             {row.record.id.hex(), Colour::grey}});
    }
    return print_table({"NAME", "STATE", "PID", "EPOCH", "HEAD", "ID"}, table);
}

Result<int> perform(const Invocation& invocation) {
    std::vector<Row> rows;
    const auto store = open_store(invocation);
    // Nobody has made the usual store yet: there are no processes.
    const bool is_usual = invocation.store.empty() && std::getenv("SOJOURN_STORE") == nullptr;
    if (store.ok()) {
        rows = TRY(rows_of(**store));
    } else if (!is_usual || store.error().code != ErrorCode::not_found) {
        return store.error();
    }
    TRY(invocation.json ? print_rows_as_json(rows) : print_rows_for_people(rows));
    return 0;
}

}  // namespace

void add_ps(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "ps", "List processes and their states");
    verb->callback(
        [&invocation] { invocation.perform = [&invocation] { return perform(invocation); }; });
}

}  // namespace sojourn::tools
