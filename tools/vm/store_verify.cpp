#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "store/verify.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/damage_report.hpp"
#include "tools/vm/database_bytes.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/store_verbs.hpp"

namespace sojourn::tools {

namespace {

Result<void> print_as_json(const store::Store& store, const store::VerifyReport& report) {
    Json object = new_json();
    object["store"] = store.directory();
    object["problems"] = json_of(report.problems);
    object["lost"] = json_of(report.lost);
    return print_json(object);
}

Result<int> perform_store_verify(const Invocation& invocation) {
    const auto store = TRY(open_store(invocation));
    store::VerifyReport report;
    {
        Progress progress("verified", database_bytes(store->directory()));
        report =
            TRY(store::verify_store(*store, [&](std::uint64_t bytes) { progress.add(bytes); }));
    }
    TRY(invocation.json ? print_as_json(*store, report)
                        : print_damage(report.problems, report.lost));
    if (report.problems.empty()) return 0;
    return fail(ErrorCode::corrupt,
                "{}: {} found, {} checkpoints lost; vm resume and vm export take the others, by "
                "NAME@ID; vm store repair --into DIR makes a store of them",
                store->directory().native(),
                report.problems.size() == 1 ? "1 problem"
                                            : fmt::format("{} problems", report.problems.size()),
                report.lost.size());
}

}  // namespace

void add_store_verify(CLI::App& verb, Invocation& invocation) {
    CLI::App* verify = add_verb(verb, invocation, "verify",
                                "Read all of a store; name what is damaged and what that costs");
    give_examples(*verify,
                  {{"vm store verify", "read everything; exits with 0 when all holds"},
                   {"vm store verify --json", "for scripts: problems and lost checkpoints"}});
    verify->callback([&invocation] {
        invocation.perform = [&invocation] { return perform_store_verify(invocation); };
    });
}

}  // namespace sojourn::tools
