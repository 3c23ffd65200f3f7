#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "process/reference.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/verbs.hpp"

namespace sojourn::tools {

namespace {

struct TagArguments {
    std::string reference;
    std::string tag;  ///< empty: those there are, are listed
    bool moves = false;
    bool is_deleted = false;
};

/// The tags of a process's history, by checkpoint.
Result<void> print(const Invocation& invocation, const store::ProcessRecord& record,
                   const std::vector<store::CheckpointInfo>& checkpoints) {
    Json object = new_json();
    object["process"] = {{"id", record.id.hex()}, {"name", record.name}};
    object["tags"] = Json::array();
    std::vector<std::vector<Cell>> table;
    for (const store::CheckpointInfo& info : checkpoints) {
        for (const std::string& tag : info.tags) {
            const auto id = static_cast<std::uint64_t>(info.id);
            object["tags"].push_back({{"name", tag}, {"checkpoint", id}});
            table.push_back(
                {{printable(tag)}, {std::to_string(id), {}, true}, {printable(info.message)}});
        }
    }
    return invocation.json ? print_json(object) : print_table({"TAG", "ID", "MESSAGE"}, table);
}

Result<store::Version> checkpoint_to_tag(store::Store& store, const store::ProcessRecord& record,
                                         const process::Reference& reference) {
    const auto named = TRY(process::checkpoint_of(store, record, reference));
    const auto checkpoint = named.value_or(record.head);
    if (checkpoint != store::kNoVersion) return checkpoint;
    return fail(ErrorCode::not_found,
                "process '{}' has no checkpoint to tag; vm checkpoint or vm suspend makes one",
                process::display_name(record));
}

Error with_remedy(const Error& error, const TagArguments& arguments) {
    if (error.code != ErrorCode::already_exists) return error;
    return fail(error.code, "{}: vm tag --force {} {}", error.message, arguments.reference,
                arguments.tag);
}

Result<void> change(const TagArguments& arguments, store::Store& store,
                    const store::ProcessRecord& record, process::Reference reference) {
    TRY(process::check_tag(arguments.tag));
    const auto family = TRY(store.family(record.family));
    if (arguments.is_deleted) {
        reference.checkpoint = arguments.tag;
        const auto tagged = TRY(process::checkpoint_of(store, record, reference));
        return family->remove_tag(*tagged, arguments.tag);
    }
    const store::Version checkpoint = TRY(checkpoint_to_tag(store, record, reference));
    const auto set = family->set_tag(checkpoint, arguments.tag, arguments.moves);
    return set.ok() ? set : with_remedy(set.error(), arguments);
}

Result<int> perform(const Invocation& invocation, const TagArguments& arguments) {
    const auto reference = TRY(process::Reference::parse(arguments.reference));
    const auto store = TRY(open_store(invocation));
    const auto record = TRY(process::find(*store, reference.process));
    if (arguments.tag.empty() && arguments.is_deleted) {
        return fail(ErrorCode::invalid_argument, "which tag? vm tag --delete {} TAG",
                    arguments.reference);
    }
    if (!arguments.tag.empty()) TRY(change(arguments, *store, record, reference));
    if (!arguments.tag.empty() && !invocation.json) return 0;
    const auto family = TRY(store->family(record.family));
    const auto checkpoints = TRY(family->checkpoints(record.id));
    TRY(print(invocation, record, checkpoints));
    return 0;
}

}  // namespace

void add_tag(CLI::App& app, Invocation& invocation) {
    CLI::App* verb =
        add_verb(app, invocation, "tag",
                 "Give a checkpoint a name, under which it is found and kept; or list the tags");
    auto arguments = std::make_shared<TagArguments>();
    verb->add_option("process", arguments->reference,
                     "NAME, or NAME@ID; the newest checkpoint unless given")
        ->required()
        ->type_name("N[@ID]");
    verb->add_option("tag", arguments->tag, "The tag; without one, those there are, are listed")
        ->type_name("TAG");
    verb->add_flag("-f,--force", arguments->moves, "Take it from the checkpoint that has it");
    verb->add_flag("-d,--delete", arguments->is_deleted, "Take the tag away; nothing else goes")
        ->excludes("--force");
    give_examples(*verb, {{"vm tag job@3 good", "vm resume job@good goes on from there"},
                          {"vm tag job", "the tags that there are"},
                          {"vm tag -d job good", "… without this one"}});
    verb->callback([arguments, &invocation] {
        invocation.perform = [arguments, &invocation] { return perform(invocation, *arguments); };
    });
}

}  // namespace sojourn::tools
