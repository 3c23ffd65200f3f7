#include <algorithm>
#include <tuple>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct Row {
    store::ProcessRecord record;
    process::Observation observation;
    std::optional<Error> damage;

    [[nodiscard]] std::string_view state() const {
        return damage ? "damaged" : process::text_of(observation.state);
    }
};

Result<store::ProcessRecord> record_of(store::Store& store, const store::ProcessRecord& listed) {
    const auto family = TRY(store.family(listed.family));
    return family->process(listed.id);
}

/// The oldest first, behind those of which the age cannot be read.
Result<std::vector<Row>> rows_of(store::Store& store) {
    std::vector<Row> rows;
    for (const store::ProcessRecord& listed : TRY(store.listed())) {
        const auto read = record_of(store, listed);
        // Removed since it was listed.
        if (!read.ok() && !process::find_listed(store, listed.id.hex()).ok()) continue;
        const store::ProcessRecord& record = read.ok() ? *read : listed;
        rows.push_back({record, process::observe(store.run_directory(), record), std::nullopt});
        if (!read.ok()) rows.back().damage = read.error();
    }
    std::ranges::sort(rows, {}, [](const Row& row) {
        return std::tuple(row.record.created_us, row.record.id.bytes);
    });
    return rows;
}

/// Of the damaged processes, in one line, what is in the way of the first.
Result<void> expect_undamaged(const std::vector<Row>& rows) {
    std::string names;
    const Row* first = nullptr;
    for (const Row& row : rows) {
        if (!row.damage) continue;
        if (first == nullptr) first = &row;
        names += (names.empty() ? "" : ", ") + process::display_name(row.record);
    }
    if (first == nullptr) return {};
    return fail(first->damage->code, "damaged: {}; {}; vm rm removes what cannot be mended", names,
                first->damage->message);
}

Result<void> print_rows_as_json(const std::vector<Row>& rows) {
    Json processes = Json::array();
    for (const Row& row : rows) {
        Json process{{"id", row.record.id.hex()}, {"name", row.record.name},
                     {"state", row.state()},      {"pid", nullptr},
                     {"epoch", nullptr},          {"head", nullptr}};
        if (!row.damage) process["epoch"] = static_cast<std::uint64_t>(row.record.epoch);
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

Colour colour_of(const Row& row) {
    if (row.damage) return Colour::red;
    switch (row.observation.state) {
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
        std::string state(row.state());
        if (!row.damage && row.observation.state == process::ObservedState::exited) {
            state += fmt::format(" ({})", row.record.exit_code);
        }
        table.push_back(
            {{process::display_name(row.record)},
             {state, colour_of(row)},
             {row.observation.pid == 0 ? "-" : std::to_string(row.observation.pid), {}, true},
             {row.damage ? "-" : std::to_string(static_cast<std::uint64_t>(row.record.epoch)),
              {},
              true},
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
    TRY(expect_undamaged(rows));
    return 0;
}

}  // namespace

void add_ps(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "ps", "List processes and their states");
    give_examples(*verb, {{"vm ps", "running, suspended, exited, crashed"},
                          {"vm ps --json | jq -r '.processes[].name'", "for scripts"}});
    verb->callback(
        [&invocation] { invocation.perform = [&invocation] { return perform(invocation); }; });
}

}  // namespace sojourn::tools
