#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "process/stored_volumes.hpp"
#include "tools/vm/command_tree.hpp"
#include "tools/vm/output.hpp"
#include "tools/vm/store_location.hpp"
#include "tools/vm/volume_reference.hpp"
#include "tools/vm/volume_verbs.hpp"

namespace sojourn::tools {

namespace {

using leases::FileType;
using leases::Volume;

struct Entry {
    std::string name;
    leases::FileStatus status;
    std::string target;  ///< of a link
};

std::string word_of(FileType type) {
    switch (type) {
        case FileType::directory:
            return "directory";
        case FileType::symbolic_link:
            return "link";
        default:
            return "file";
    }
}

Result<Entry> entry_of(const Volume& volume, leases::InodeIndex directory, const std::string& name,
                       const std::string& what) {
    auto found = volume.find(directory, name, /*follow=*/false);
    if (!found.ok()) return error_of(found.error(), what);
    auto status = volume.status(found->inode);
    if (!status.ok()) return error_of(status.error(), what);
    Entry entry{name, *status, {}};
    if (status->type != FileType::symbolic_link) return entry;
    auto target = volume.read_link(directory, name);
    if (!target.ok()) return error_of(target.error(), what);
    entry.target = std::move(*target);
    return entry;
}

/// What is in a directory, by name; of something else, itself.
Result<std::vector<Entry>> entries_at(const Volume& volume, const VolumeReference& reference) {
    auto found = volume.find(leases::kRootInode, reference.path, /*follow=*/true);
    if (!found.ok()) return error_of(found.error(), reference.text());
    if (found->type != FileType::directory) {
        const Entry entry =
            TRY(entry_of(volume, leases::kRootInode, reference.path, reference.text()));
        return std::vector{entry};
    }
    auto listed = volume.list(found->inode);
    if (!listed.ok()) return error_of(listed.error(), reference.text());
    std::ranges::sort(*listed, {}, &leases::DirectoryEntry::name);
    std::vector<Entry> entries;
    for (const leases::DirectoryEntry& entry : *listed) {
        if (entry.name == "." || entry.name == "..") continue;
        entries.push_back(TRY(entry_of(volume, found->inode, entry.name, reference.text())));
    }
    return entries;
}

Json entry_json_of(const Entry& entry) {
    Json row{{"name", printable(entry.name)},
             {"type", word_of(entry.status.type)},
             {"size_bytes", entry.status.size_bytes},
             {"modified_us", entry.status.modified_ns / 1000},
             {"inode", entry.status.inode},
             {"link_count", entry.status.link_count},
             {"target", nullptr}};
    if (entry.status.type == FileType::symbolic_link) row["target"] = printable(entry.target);
    return row;
}

Result<void> print_entries(const Invocation& invocation, const VolumeReference& reference,
                           const std::vector<Entry>& entries) {
    if (invocation.json) {
        Json object = new_json();
        object["volume"] = reference.volume;
        object["path"] = printable(reference.path);
        object["entries"] = Json::array();
        for (const Entry& entry : entries)
            object["entries"].push_back(entry_json_of(entry));
        return print_json(object);
    }
    std::vector<std::vector<Cell>> table;
    for (const Entry& entry : entries) {
        std::string name = printable(entry.name);
        if (entry.status.type == FileType::symbolic_link) name += " -> " + printable(entry.target);
        table.push_back({{word_of(entry.status.type)},
                         {std::to_string(entry.status.size_bytes), {}, true},
                         {rfc3339(entry.status.modified_ns / 1000)},
                         {name}});
    }
    return print_table({"TYPE", "SIZE", "MODIFIED", "NAME"}, table);
}

Result<void> print_volumes(const Invocation& invocation, leases::Volumes& volumes) {
    Json object = new_json();
    object["volumes"] = Json::array();
    std::vector<std::vector<Cell>> table;
    for (const leases::DiskId id : volumes.all()) {
        const Volume* volume = TRY(volumes.find(id));
        object["volumes"].push_back({{"name", volume->name()},
                                     {"size_bytes", volume->size_bytes_max()},
                                     {"used_bytes", volume->used_bytes()}});
        table.push_back({{volume->name()},
                         {bytes_for_people(volume->size_bytes_max()), {}, true},
                         {bytes_for_people(volume->used_bytes()), {}, true}});
    }
    return invocation.json ? print_json(object) : print_table({"NAME", "SIZE", "USED"}, table);
}

/// `N[@ID]` alone means all of its volumes.
Result<VolumeReference> parse(const std::string& text) {
    auto reference = TRY(parse_volume_reference(text));
    if (reference) return std::move(*reference);
    VolumeReference all;
    all.process = TRY(process::Reference::parse(text));
    return all;
}

Result<int> perform_volume_ls(const Invocation& invocation, const std::string& text) {
    const auto reference = TRY(parse(text));
    const auto store = TRY(open_store(invocation));
    const auto stored = TRY(open_stored_volumes(invocation, *store, reference));
    if (reference.volume.empty()) {
        TRY(stored->expect_there());
        TRY(print_volumes(invocation, stored->volumes()));
        return 0;
    }
    const Volume* volume = TRY(find_volume(stored->volumes(), reference));
    auto entries = entries_at(*volume, reference);
    TRY(stored->expect_there());
    const std::vector<Entry> shown = TRY(std::move(entries));
    TRY(print_entries(invocation, reference, shown));
    return 0;
}

}  // namespace

void add_volume_ls(CLI::App& app, Invocation& invocation) {
    CLI::App* verb = add_verb(app, invocation, "ls",
                              "List the volumes of a process, or what is in a directory of one, as "
                              "its newest checkpoint has them");
    auto reference = std::make_shared<std::string>();
    verb->add_option("place", *reference, "NAME, or NAME@ID for what is in a checkpoint")
        ->required()
        ->type_name("N[@ID][:VOLUME[/PATH]]");
    give_examples(*verb, {{"vm volume ls job", "its volumes"},
                          {"vm volume ls job@7:data/logs", "a directory as a checkpoint has it"}});
    verb->callback([reference, &invocation] {
        invocation.perform = [reference, &invocation] {
            return perform_volume_ls(invocation, *reference);
        };
    });
}

}  // namespace sojourn::tools
