#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tools/vm/command_tree.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/image_file.hpp"
#include "tools/vm/image_report.hpp"
#include "tools/vm/image_seal.hpp"
#include "tools/vm/inspect_verbs.hpp"
#include "tools/vm/progress.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct InspectImageArguments {
    std::string file;
    OpenArguments open;
};

Result<ImageReport> read_report(const ImageInput& input, const InspectImageArguments& arguments,
                                const process::HostProcess& host) {
    Progress progress("read", input.size());
    const store::ByteSource counted = [&](MutableBytes out) -> Result<std::size_t> {
        const std::size_t got = TRY(input.read(out));
        progress.add(got);
        return got;
    };
    const auto source = TRY(arguments.open.open(arguments.file, counted));
    return report_on_image(source, host);
}

Result<int> perform_inspect_image(const Invocation& invocation,
                                  const InspectImageArguments& arguments) {
    const auto input = TRY(ImageInput::open(arguments.file));
    const auto report = read_report(input, arguments, host_of(invocation));
    if (!report.ok()) {
        return fail(report.error().code, "{}: {}", input.name(), report.error().message);
    }
    TRY(invocation.json ? print_json(json_of(*report)) : print_report(*report));
    return 0;
}

}  // namespace

void add_inspect_image(CLI::App& verb, Invocation& invocation) {
    CLI::App* image = verb.add_subcommand(
        "image", "Verify an image and tell what it holds and needs; takes no store");
    auto arguments = std::make_shared<InspectImageArguments>();
    image->add_option("file", arguments->file, "What vm export wrote; - is stdin")
        ->required()
        ->type_name("FILE");
    arguments->open.add_to(*image);
    image->add_flag("--json", invocation.json, "Answer with JSON");
    give_examples(*image,
                  {{"vm inspect image job.image", "whether it is whole, and what it takes"}});
    image->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] {
            return perform_inspect_image(invocation, *arguments);
        };
    });
}

}  // namespace sojourn::tools
