#include <optional>
#include <poll.h>

#include <CLI/CLI.hpp>

#include "process/reference.hpp"
#include "process/remote.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/log_view.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct LogsArguments {
    std::string name;
    bool follows = false;
    std::optional<std::uint64_t> tail;
};

/// Until the process has no runner.
Result<void> follow(LogView& log, const std::filesystem::path& run_directory, store::ProcessId id) {
    const int changes = TRY(log.watch());
    const UniqueFd runner = process::open_runner(run_directory, id);
    while (process::is_running(run_directory, id)) {
        TRY(log.show());
        // A runner that can't be seen from here is looked for again now and then.
        constexpr int kUnseenRunnerMs = 200;
        pollfd watched[] = {{changes, POLLIN, 0}, {runner.get(), POLLIN, 0}};
        ::poll(watched, std::size(watched), runner.valid() ? -1 : kUnseenRunnerMs);
        if (watched[1].revents != 0) process::wait_until_ended(run_directory, id);
    }
    return log.show();
}

Result<int> perform(const Invocation& invocation, const LogsArguments& arguments) {
    auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, arguments.name));
    const auto run_directory = store->run_directory();
    const auto files = process::detached_files(*store, record);
    store.reset();
    auto log = LogView::open(files.log);
    if (!log.ok() && log.error().code == ErrorCode::not_found) {
        return fail(ErrorCode::not_found,
                    "process '{}' has no log: it said nothing while it ran detached; vm resume -d "
                    "{} runs it so",
                    process::display_name(record), process::display_name(record));
    }
    if (!log.ok()) return log.error();
    if (arguments.tail) TRY(log->skip_to_last(*arguments.tail));
    TRY(arguments.follows ? follow(*log, run_directory, record.id) : log->show());
    if (!process::is_running(run_directory, record.id)) show_runner_words(files);
    return 0;
}

}  // namespace

void add_logs(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "logs", "Show what a process has said while it ran detached");
    auto arguments = std::make_shared<LogsArguments>();
    verb->add_option("process", arguments->name, "The process's name")->required()->type_name("N");
    verb->add_flag("-f,--follow", arguments->follows,
                   "Go on showing it until the process ends or is suspended");
    verb->add_option("--tail", arguments->tail, "Begin with the last K lines")->type_name("K");
    give_examples(*verb, {{"vm logs job", "all it has said"},
                          {"vm logs -f --tail 10 job", "the last ten lines, and what comes"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
