#include <CLI/CLI.hpp>

#include "process/volume_change.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/execution_options.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/volume_copy.hpp"
#include "tools/vm/volume_verbs.hpp"

namespace sojourn::tools {

namespace {

struct CopyArguments {
    std::string source;
    std::string target;
    bool is_recursive = false;

    [[nodiscard]] Tree tree() const { return is_recursive ? Tree::yes : Tree::no; }
};

Result<void> expect_volume(const VolumeReference& reference) {
    if (!reference.volume.empty()) return {};
    return fail(ErrorCode::invalid_argument, "which volume? write N:NAME/PATH");
}

Result<void> perform_out(const Invocation& invocation, const CopyArguments& arguments,
                         const VolumeReference& source) {
    TRY(expect_volume(source));
    const auto store = TRY(open_store(invocation));
    const auto stored = TRY(open_stored_volumes(invocation, *store, source));
    const leases::Volume* volume = TRY(find_volume(stored->volumes(), source));
    auto copied = copy_out(*volume, source, arguments.target, arguments.tree());
    TRY(stored->expect_there());
    return copied;
}

Result<void> perform_in(const Invocation& invocation, const CopyArguments& arguments,
                        const VolumeReference& target) {
    TRY(expect_volume(target));
    if (!target.process.checkpoint.empty()) {
        return fail(ErrorCode::invalid_argument,
                    "a checkpoint does not change; leave out @{} to make a new one",
                    target.process.checkpoint);
    }
    process::Execution execution;
    execution.store_location = TRY(store_location(invocation));
    execution.checkpoint_location = invocation.checkpoint_store;
    const auto copy = [&](leases::Volumes& volumes) -> Result<void> {
        leases::Volume* volume = TRY(find_volume(volumes, target));
        return copy_in(arguments.source, *volume, target, arguments.tree());
    };
    TRY(process::change_volumes(execution, target.process.process, host_of(invocation),
                                "copied into " + target.text(), copy));
    return {};
}

Result<int> perform(const Invocation& invocation, const CopyArguments& arguments) {
    const auto source = TRY(parse_volume_reference(arguments.source));
    const auto target = TRY(parse_volume_reference(arguments.target));
    if (source.has_value() == target.has_value()) {
        return fail(
            ErrorCode::invalid_argument,
            "one of the two is in a volume, N[@ID]:NAME/PATH, the other on the host; a host "
            "path with a colon begins with ./");
    }
    TRY(source ? perform_out(invocation, arguments, *source)
               : perform_in(invocation, arguments, *target));
    return 0;
}

}  // namespace

void add_volume_cp(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "cp",
                              "Copy out of a volume as a checkpoint has it, or into one of a "
                              "process that does not run, which makes a checkpoint");
    auto arguments = std::make_shared<CopyArguments>();
    verb->add_option("source", arguments->source, "What to copy: N[@ID]:NAME/PATH or a host path")
        ->required()
        ->type_name("SRC");
    verb->add_option("target", arguments->target, "Where to; into it if it is a directory")
        ->required()
        ->type_name("DST");
    verb->add_flag("-r,--recursive", arguments->is_recursive, "Directories too");
    give_examples(*verb, {{"vm volume cp job:data/report.txt .", "out of the newest checkpoint"},
                          {"vm volume cp -r job@7:data old", "a tree out of an older one"},
                          {"vm volume cp in.txt job:data/in.txt", "in; the process must not run"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
