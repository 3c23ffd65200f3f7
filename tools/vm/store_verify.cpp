#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "store/verify.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/damage_report.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/store_verbs.hpp"

namespace sojourn::tools {

namespace {

/// `verified [######········] 3 of 7` on stderr, renewed in place; only on a terminal.
class Bar {
public:
    Bar() : is_shown_(::isatty(STDERR_FILENO) == 1) {}
    Bar(const Bar&) = delete;
    Bar& operator=(const Bar&) = delete;
    ~Bar() {
        if (is_shown_) fmt::print(stderr, "\r\x1b[K");
    }

    void show(std::size_t done, std::size_t all) const {
        if (!is_shown_) return;
        const std::size_t filled = done * kWidth / all;
        fmt::print(stderr, "\r\x1b[Kverified [{:#<{}}{:.<{}}] {} of {}", "", filled, "",
                   kWidth - filled, done, all);
    }

private:
    static constexpr std::size_t kWidth = 40;
    bool is_shown_;
};

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
        const Bar bar;
        report = TRY(store::verify_store(
            *store, [&](std::size_t done, std::size_t all) { bar.show(done, all); }));
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
