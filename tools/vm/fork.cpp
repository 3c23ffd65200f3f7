#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/process.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/detached_runner.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/resume_arguments.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

constexpr std::uint32_t kCopiesMax = 10'000;

struct ForkArguments {
    std::string reference;
    std::string name;
    std::optional<std::uint32_t> count;
    bool is_detached = false;
};

struct Forked {
    store::ProcessRecord origin;
    store::Version checkpoint = store::kNoVersion;
    std::vector<store::ProcessRecord> copies;
};

Result<store::Version> checkpoint_to_fork(store::Store& store, const store::ProcessRecord& record,
                                          const process::Reference& reference) {
    const auto named = TRY(process::checkpoint_of(store, record, reference));
    if (named) {
        const auto family = TRY(store.family(record.family));
        TRY(process::expect_in_history(*family, record, *named));
        return *named;
    }
    if (record.head != store::kNoVersion) return record.head;
    return fail(
        ErrorCode::not_found,
        "process '{}' has no checkpoint to fork from; vm checkpoint or vm suspend makes one",
        process::display_name(record));
}

/// Each copy has a generation of its own, by which the guest can tell which it is.
Result<std::vector<store::NewProcess>> copies_of(const store::ProcessRecord& record,
                                                 const ForkArguments& arguments) {
    std::vector<store::NewProcess> copies;
    for (std::uint32_t index = 0; index < arguments.count.value_or(1); ++index) {
        store::NewProcess copy;
        copy.name =
            arguments.count ? fmt::format("{}-{}", arguments.name, index + 1) : arguments.name;
        copy.generation = record.generation + 1 + index;
        copy.is_acquired = arguments.is_detached;  // all of them in one go
        TRY(process::check_name(copy.name));
        copies.push_back(std::move(copy));
    }
    return copies;
}

Result<void> print(const Invocation& invocation, const Forked& forked,
                   const std::vector<process::RunnerStatus>& runners) {
    if (!invocation.json) {
        for (const store::ProcessRecord& copy : forked.copies)
            TRY(print_line(copy.name));
        return {};
    }
    Json object = new_json();
    object["process"] = {{"id", forked.origin.id.hex()}, {"name", forked.origin.name}};
    object["checkpoint"] = static_cast<std::uint64_t>(forked.checkpoint);
    object["copies"] = Json::array();
    for (std::size_t index = 0; index < forked.copies.size(); ++index) {
        const store::ProcessRecord& copy = forked.copies[index];
        object["copies"].push_back({{"id", copy.id.hex()},
                                    {"name", copy.name},
                                    {"generation", copy.generation},
                                    {"pid", runners.empty() ? Json() : Json(runners[index].pid)}});
    }
    return print_json(object);
}

/// The store is closed when it returns, so that runners can be made of this host process.
Result<Forked> fork_in_store(const Invocation& invocation, const ForkArguments& arguments) {
    const auto reference = TRY(process::Reference::parse(arguments.reference));
    const auto store = TRY(open_store(invocation));
    Forked forked;
    forked.origin = TRY(process::find(*store, reference.process));
    forked.checkpoint = TRY(checkpoint_to_fork(*store, forked.origin, reference));
    const auto wanted = TRY(copies_of(forked.origin, arguments));
    forked.copies = TRY(store->fork_process(forked.origin, forked.checkpoint, wanted));
    return forked;
}

Result<int> perform(const Invocation& invocation, const ForkArguments& arguments) {
    ResumeArguments resume;
    resume.execution.is_detached = true;
    const Forked forked = TRY(fork_in_store(invocation, arguments));
    if (!arguments.is_detached) {
        TRY(print(invocation, forked, {}));
        return 0;
    }
    std::vector<RunProcess> runs;
    for (const store::ProcessRecord& copy : forked.copies) {
        auto options = TRY(resume.parse(invocation, copy.name));
        options.token = {copy.id, copy.epoch};
        runs.emplace_back(
            [options](const process::HostProcess& host) { return process::resume(options, host); });
    }
    return run_detached(invocation, runs, [&](const std::vector<process::RunnerStatus>& runners) {
        return print(invocation, forked, runners);
    });
}

}  // namespace

void add_fork(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "fork",
                              "Make new, suspended processes that go on from a checkpoint and "
                              "share what it has; prints their names");
    auto arguments = std::make_shared<ForkArguments>();
    verb->add_option("process", arguments->reference,
                     "NAME, or NAME@ID; the newest checkpoint unless given")
        ->required()
        ->type_name("N[@ID]");
    verb->add_option("name", arguments->name, "What the new one is called")
        ->required()
        ->type_name("NEW");
    verb->add_option("--count", arguments->count, "So many of them: NEW-1, NEW-2, …")
        ->type_name("K")
        ->check(CLI::Range(1U, kCopiesMax));
    verb->add_flag("-d,--detach", arguments->is_detached,
                   "Resume them in the background, and return when their guests run");
    give_examples(
        *verb, {{"vm fork job other", "a second process that goes on from the newest checkpoint"},
                {"vm fork job@good trial --count 10 -d", "ten of them, in the background"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
