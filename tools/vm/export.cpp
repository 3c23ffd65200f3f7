#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/image_selection.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/image_file.hpp"
#include "tools/vm/image_seal.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct ExportArguments {
    std::string reference;
    std::string file = "-";
    std::string since;
    bool is_whole_history = false;
    SealArguments seal;
};

Result<store::ExportSummary> export_to(SealedOutput& output, store::Store& store,
                                       const store::ProcessRecord& record,
                                       const store::ImageContent& content) {
    Progress progress("exported");
    const store::ByteSink sink = [&](Bytes bytes) -> Result<void> {
        TRY(output.write(bytes));
        progress.add(bytes.size());
        return {};
    };
    return store::export_image(store, record, content, sink);
}

Json summary_json_of(const store::ProcessRecord& record, const store::ImageContent& content,
                     const store::ExportSummary& summary, const ImageOutput& output) {
    Json object = new_json();
    object["process"] = {{"id", record.id.hex()}, {"name", record.name}};
    object["checkpoint"] = static_cast<std::uint64_t>(content.head);
    object["checkpoints"] = content.checkpoints.size();
    object["since"] = nullptr;
    if (content.base != store::kNoVersion) {
        object["since"] = static_cast<std::uint64_t>(content.base);
    }
    object["units"] = summary.unit_count;
    object["image_bytes"] = summary.image_bytes;
    object["kept_bytes"] = output.kept_bytes();
    return object;
}

Result<int> perform(const Invocation& invocation, const ExportArguments& arguments) {
    const auto request = TRY(process::ImageRequest::parse(
        arguments.reference, arguments.is_whole_history, arguments.since));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, request.process));
    const auto content = TRY(process::select_for_image(*store, record, request));
    auto output = TRY(ImageOutput::open(arguments.file));
    const auto sealed =
        TRY(SealedOutput::open(arguments.seal, arguments.file, *output, invocation.random));
    const auto summary = TRY(export_to(*sealed, *store, record, content));
    TRY(sealed->finish());
    TRY(output->finish());
    if (!invocation.json) return 0;
    // Where the image itself goes to stdout, there is no room for anything else.
    const Json object = summary_json_of(record, content, summary, *output);
    const std::string line = object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    TRY(write_all(output->is_stdout() ? STDERR_FILENO : STDOUT_FILENO, as_bytes(line)));
    return 0;
}

}  // namespace

void add_export(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "export",
                              "Write checkpoints with all they need as a file or stream");
    auto arguments = std::make_shared<ExportArguments>();
    verb->add_option("process", arguments->reference,
                     "NAME, NAME@ID, or NAME@A..B: all from A to B; the newest checkpoint unless "
                     "given")
        ->required()
        ->type_name("N[@ID|@A..B]");
    verb->add_option("-o,--output", arguments->file,
                     "Where to; - is stdout, as without this option")
        ->type_name("FILE");
    verb->add_flag("--all", arguments->is_whole_history,
                   "All checkpoints, as the tree that they are");
    verb->add_option("--since", arguments->since,
                     "Only what a store needs that has this checkpoint; vm import puts it onto the "
                     "process there")
        ->type_name("ID");
    arguments->seal.add_to(*verb);
    give_examples(
        *verb,
        {{"vm export job -o job.image", "its newest checkpoint as a file"},
         {"vm export job@7 -o job.image", "an older one"},
         {"vm export job --all | ssh there vm import -", "all of them, straight to another host"},
         {"vm export job --since 7 -o more.image", "what came after one that is there"},
         {"vm export job --encrypt-to there.pub --sign my.key -o job.image",
          "for one reader, with a signature in job.image.sig"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
