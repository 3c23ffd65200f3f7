#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "process/attachment.hpp"
#include "process/reference.hpp"
#include "store/image.hpp"
#include "tools/vm/image_file.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

Result<store::Version> checkpoint_to_export(store::Store& store,
                                            const process::Reference& reference,
                                            const store::ProcessRecord& record) {
    if (const auto named = TRY(process::checkpoint_of(store, record, reference))) return *named;
    if (record.head != store::kNoVersion) return record.head;
    return fail(ErrorCode::not_found,
                "process '{}' has no checkpoint to export; vm checkpoint or vm suspend makes one",
                process::display_name(record));
}

Result<store::ImageSummary> export_to(ImageOutput& output, store::Store& store,
                                      const store::ProcessRecord& record,
                                      store::Version checkpoint) {
    const auto family = TRY(store.family(record.family));
    const auto modules = TRY(process::modules_of(*family, checkpoint));
    Progress progress("exported");
    const store::ByteSink sink = [&](Bytes bytes) -> Result<void> {
        TRY(output.write(bytes));
        progress.add(bytes.size());
        return {};
    };
    const auto summary = TRY(store::export_image(store, record, checkpoint, modules, sink));
    TRY(output.finish());
    return summary;
}

Result<int> perform(const Invocation& invocation, const std::string& text,
                    const std::string& file) {
    const auto reference = TRY(process::Reference::parse(text));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, reference.process));
    const store::Version checkpoint = TRY(checkpoint_to_export(*store, reference, record));
    auto output = TRY(ImageOutput::open(file));
    const auto summary = TRY(export_to(*output, *store, record, checkpoint));
    if (!invocation.json) return 0;
    Json object = new_json();
    object["process"] = {{"id", record.id.hex()}, {"name", record.name}};
    object["checkpoint"] = static_cast<std::uint64_t>(checkpoint);
    object["units"] = summary.unit_count;
    object["image_bytes"] = summary.image_bytes;
    // Where the image itself goes to stdout, there is no room for anything else.
    const std::string line = object.dump() + "\n";
    TRY(write_all(output->is_stdout() ? STDERR_FILENO : STDOUT_FILENO, as_bytes(line)));
    return 0;
}

}  // namespace

void add_export(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "export",
                              "Write one checkpoint with all it needs as a file or stream");
    auto reference = std::make_shared<std::string>();
    auto file = std::make_shared<std::string>("-");
    verb->add_option("process", *reference, "NAME or NAME@ID; the newest checkpoint unless given")
        ->required()
        ->type_name("N[@ID]");
    verb->add_option("-o,--output", *file, "Where to; - is stdout, as without this option")
        ->type_name("FILE");
    verb->callback([reference, file, &invocation] {
        invocation.perform = [reference, file, &invocation] {
            return perform(invocation, *reference, *file);
        };
    });
}

}  // namespace sojourn::tools
