#include "tests/crash/crash_disk.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "tests/support/vm_command.hpp"

namespace sojourn::tests {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSector = 512;
constexpr std::size_t kPage = 4096;

std::string parent_of(const std::string& path) {
    return fs::path(path).parent_path().native();
}

std::string name_of(const std::string& path) {
    return fs::path(path).filename().native();
}

bool chance(std::mt19937& random, double probability) {
    return std::uniform_real_distribution<>(0, 1)(random) < probability;
}

std::size_t below(std::mt19937& random, std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

void write_at(std::string& file, std::uint64_t offset, std::string_view data) {
    if (file.size() < offset + data.size()) file.resize(offset + data.size());
    file.replace(offset, data.size(), data);
}

struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
};

/// The part of a write that reached the disk: its beginning or its end, in whole sectors or pages.
Range torn(Range whole, std::mt19937& random) {
    const std::size_t grain = chance(random, 0.5) ? kSector : kPage;
    const std::size_t first = whole.begin / grain;
    const std::size_t grains = (whole.end + grain - 1) / grain - first;
    const std::size_t border = (first + below(random, grains + 1)) * grain;
    if (chance(random, 0.5)) return {whole.begin, std::clamp(border, whole.begin, whole.end)};
    return {std::clamp(border, whole.begin, whole.end), whole.end};
}

/// Copies the sectors that `range` touches: a disk has no smaller part.
void copy_sectors(const std::string& from, std::string& to, Range range) {
    if (range.begin >= range.end) return;
    const std::size_t begin = range.begin / kSector * kSector;
    const std::size_t end = std::min(from.size(), (range.end + kSector - 1) / kSector * kSector);
    write_at(to, begin, std::string_view(from).substr(begin, end - begin));
}

void fill_randomly(std::string& content, std::mt19937& random) {
    for (char& byte : content)
        byte = static_cast<char>(random());
}

}  // namespace

std::vector<DiskEvent> read_disk_log(const fs::path& file) {
    const std::string log = read_text(file);
    std::vector<DiskEvent> events;
    std::size_t at = 0;
    const auto take = [&](std::size_t size) {
        if (log.size() - at < size) throw std::runtime_error("the disk log is cut short");
        at += size;
        return log.substr(at - size, size);
    };
    while (at < log.size()) {
        DiskEvent event;
        const std::string header = take(sizeof event.record);
        std::memcpy(&event.record, header.data(), header.size());
        event.path = take(event.record.path_bytes);
        event.target = take(event.record.target_bytes);
        event.data = take(event.record.data_bytes);
        events.push_back(std::move(event));
    }
    return events;
}

void say_in_disk_log(const fs::path& file, const std::string& text) {
    DiskRecord record;
    record.data_bytes = text.size();
    std::ofstream log(file, std::ios::binary | std::ios::app);
    log.write(reinterpret_cast<const char*>(&record), sizeof record) << text;
}

void CrashDisk::apply(const DiskEvent& event) {
    if (event.record.call == DiskCall::sync_file) return sync_file(event);
    if (event.record.call == DiskCall::sync_directory) return sync_directory(event);
    change(event, event.record.is_durable != 0 && counting_.of_writes);
}

void CrashDisk::begin(const DiskEvent& event) {
    change(event, false);
}

void CrashDisk::change(const DiskEvent& event, bool is_durable) {
    switch (event.record.call) {
        case DiskCall::make_file:
            return change_entry(event.path, {"", name_of(event.path), make_node(event, false)});
        case DiskCall::make_directory:
            return change_entry(event.path, {"", name_of(event.path), make_node(event, true)});
        case DiskCall::remove:
            change_entry(event.path, {name_of(event.path), "", 0});
            by_path_.erase(event.path);
            return;
        case DiskCall::rename: {
            const NodeId node = by_path_.at(event.path);
            if (parent_of(event.path) == parent_of(event.target)) {
                change_entry(event.path, {name_of(event.path), name_of(event.target), node});
            } else {
                change_entry(event.path, {name_of(event.path), "", 0});
                change_entry(event.target, {"", name_of(event.target), node});
            }
            by_path_.erase(event.path);
            by_path_[event.target] = node;
            return;
        }
        case DiskCall::write:
            if (Node* node = file_of(event)) {
                node->changes.push_back({false, is_durable, event.record.offset, event.data});
            }
            return;
        case DiskCall::resize:
            if (Node* node = file_of(event)) {
                node->changes.push_back({true, false, event.record.offset, {}});
            }
            return;
        case DiskCall::sync_file:
        case DiskCall::sync_directory:
        case DiskCall::say:
            return;
    }
}

void CrashDisk::change_entry(const std::string& path, EntryChange change) {
    nodes_[by_path_.at(parent_of(path))].entry_changes.push_back(std::move(change));
}

CrashDisk::NodeId CrashDisk::make_node(const DiskEvent& event, bool is_directory) {
    nodes_.emplace_back().is_directory = is_directory;
    by_inode_[event.record.node] = nodes_.size() - 1;
    by_path_[event.path] = nodes_.size() - 1;
    return nodes_.size() - 1;
}

/// Nothing for a file that was there before the log began.
CrashDisk::Node* CrashDisk::file_of(const DiskEvent& event) {
    const auto found = by_inode_.find(event.record.node);
    return found == by_inode_.end() ? nullptr : &nodes_[found->second];
}

void CrashDisk::sync_file(const DiskEvent& event) {
    Node* file = file_of(event);
    if (file == nullptr || !counting_.of_files) return;
    std::mt19937 unused;
    file->content = file_after_crash(*file, kEverything, unused);
    file->changes.clear();
}

void CrashDisk::sync_directory(const DiskEvent& event) {
    if (!counting_.of_directories) return;
    Node& directory = nodes_[by_path_.at(event.path)];
    std::mt19937 unused;
    directory.entries = entries_after_crash(directory, kEverything, unused);
    directory.entry_changes.clear();
}

CrashDisk::Fortune CrashDisk::draw_fortune(std::mt19937& random) {
    constexpr std::array kKept{0.0, 0.1, 0.5, 0.9, 1.0};
    constexpr std::array kTorn{0.0, 0.2, 1.0};
    return {kKept[below(random, kKept.size())], kTorn[below(random, kTorn.size())],
            chance(random, 0.5)};
}

std::string CrashDisk::file_after_crash(const Node& node, const Fortune& fortune,
                                        std::mt19937& random) {
    std::string cached = node.content;  // what the kernel would have written, call by call
    std::string disk = node.content;
    for (const Change& change : node.changes) {
        const bool is_kept = change.is_durable || chance(random, fortune.kept);
        if (change.is_resize) {
            cached.resize(change.offset);
            if (is_kept) disk.resize(change.offset);
            continue;
        }
        write_at(cached, change.offset, change.data);
        if (!is_kept) continue;
        const Range whole{change.offset, change.offset + change.data.size()};
        const bool is_torn = !change.is_durable && chance(random, fortune.torn);
        copy_sectors(cached, disk, is_torn ? torn(whole, random) : whole);
    }
    if (disk.size() < cached.size() && chance(random, fortune.kept / 2)) disk.resize(cached.size());
    return disk;
}

std::map<std::string, CrashDisk::NodeId> CrashDisk::entries_after_crash(const Node& node,
                                                                        const Fortune& fortune,
                                                                        std::mt19937& random) {
    auto entries = node.entries;
    for (const EntryChange& change : node.entry_changes) {
        if (!chance(random, fortune.kept)) {
            if (fortune.in_order) break;
            continue;
        }
        entries.erase(change.removed);
        if (!change.added.empty()) entries[change.added] = change.node;
    }
    return entries;
}

void CrashDisk::leave_in(const fs::path& folder, std::mt19937& random) const {
    leave(0, folder, draw_fortune(random), random);
}

void CrashDisk::leave(NodeId directory, const fs::path& folder, const Fortune& fortune,
                      std::mt19937& random) const {
    fs::create_directory(folder);
    for (const auto& [name, id] : entries_after_crash(nodes_[directory], fortune, random)) {
        if (nodes_[id].is_directory) {
            leave(id, folder / name, fortune, random);
        } else {
            std::string content = file_after_crash(nodes_[id], fortune, random);
            // It is mapped, so that the kernel may write any of its moments.
            if (name == "lock.mdb" && chance(random, 0.5)) fill_randomly(content, random);
            std::ofstream(folder / name, std::ios::binary) << content;
        }
    }
}

}  // namespace sojourn::tests
