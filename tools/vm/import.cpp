#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/image_check.hpp"
#include "process/reference.hpp"
#include "process/runner_lock.hpp"
#include "store/image.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/image_file.hpp"
#include "tools/vm/image_seal.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

/// Takes the place of a runner of the process that a difference is put onto.
Result<process::RunnerLock> take_lock(const store::Store& store,
                                      const store::ProcessRecord& record) {
    auto lock = process::RunnerLock::acquire(store.run_directory(), record.id);
    if (lock.ok() || lock.error().code != ErrorCode::busy) return lock;
    const std::string name = process::display_name(record);
    return fail(ErrorCode::busy,
                "process '{}' is running: {}; vm suspend {} lets it take in what it lacks", name,
                lock.error().message, name);
}

struct ImportArguments {
    std::string file;
    std::string name;
    OpenArguments open;
};

Result<store::ImportSummary> import_from(const ImageInput& input, const ImportArguments& arguments,
                                         store::Store& store, const process::HostProcess& host) {
    Progress progress("imported", input.size());
    const store::ByteSource counted = [&](MutableBytes out) -> Result<std::size_t> {
        const std::size_t got = TRY(input.read(out));
        progress.add(got);
        return got;
    };
    const auto source = TRY(arguments.open.open(arguments.file, counted));
    std::optional<process::RunnerLock> lock;
    const auto hold = [&](const store::ProcessRecord& record) -> Result<void> {
        lock.emplace(TRY(take_lock(store, record)));
        return {};
    };
    const auto check = [&](std::shared_ptr<store::Family> family, store::FencingToken token,
                           const vm::ModuleSource& modules) {
        return process::check_imported(std::move(family), token, store.unit_bytes(), modules, host);
    };
    return store::import_image(store, source,
                               {.name = arguments.name, .hold = hold, .check = check});
}

Result<void> print_as_json(const store::ImportSummary& summary) {
    Json object = new_json();
    object["process"] = {{"id", summary.process.id.hex()}, {"name", summary.process.name}};
    object["checkpoint"] = static_cast<std::uint64_t>(summary.process.head);
    object["checkpoints"] = summary.image.checkpoints;
    object["added"] = summary.checkpoints_added;
    object["units"] = summary.image.units;
    object["image_bytes"] = summary.image.bytes;
    return print_json(object);
}

Result<int> perform_import(const Invocation& invocation, const ImportArguments& arguments) {
    if (!arguments.name.empty()) TRY(process::check_name(arguments.name));
    const auto input = TRY(ImageInput::open(arguments.file));
    const std::string location = TRY(store_location(invocation));
    const auto store = TRY(store::Store::open(location, {}, invocation.random));
    const auto summary = import_from(input, arguments, *store, host_of(invocation));
    if (!summary.ok()) {
        const bool is_taken = summary.error().code == ErrorCode::already_exists;
        return fail(summary.error().code, "{}: {}{}", input.name(), summary.error().message,
                    is_taken ? ": vm import --name OTHER" : "");
    }
    if (invocation.json) {
        TRY(print_as_json(*summary));
    } else {
        TRY(print_line(process::display_name(summary->process)));
    }
    return 0;
}

}  // namespace

void add_import(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "import",
                 "Make a suspended process out of an exported image, or bring one up to date; "
                 "prints its name");
    auto arguments = std::make_shared<ImportArguments>();
    verb->add_option("image", arguments->file, "The image; - is stdin")
        ->required()
        ->type_name("FILE");
    verb->add_option("--name", arguments->name, "Its name here; the one in the image unless given");
    arguments->open.add_to(*verb);
    give_examples(*verb, {{"vm import job.image", "a process of the name it had"},
                          {"vm import --name twin job.image", "under another name"},
                          {"vm export job | ssh there vm import -", "straight from another host"},
                          {"vm import --decrypt-with my.key --signed-by there.pub job.image",
                           "one that is for us alone, and from them"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] {
            return perform_import(invocation, *arguments);
        };
    });
}

}  // namespace sojourn::tools
