#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/crash/disk/disk_log.hpp"

namespace sojourn::tests {

/// One call of the log that the disk library wrote.
struct DiskEvent {
    DiskRecord record;
    std::string path;
    std::string target;
    std::string data;
};

std::vector<DiskEvent> read_disk_log(const std::filesystem::path& file);
/// Adds what the test has to say to the log, in its place.
void say_in_disk_log(const std::filesystem::path& file, const std::string& text);

/// Which calls make something durable. All of them, unless a test wants to see that it matters.
struct SyncsThatCount {
    bool of_files = true;        ///< fsync, fdatasync
    bool of_directories = true;  ///< fsync of a directory
    bool of_writes = true;       ///< O_DSYNC
};

/// A folder on a disk that may lose its power, after POSIX: what was synced is there; of the rest,
/// each sector of 512 bytes has the content that it had before or after any write since; a file's
/// length may or may not have grown, with zeros where nothing was written; each change of a
/// directory has or has not happened.
class CrashDisk {
public:
    explicit CrashDisk(SyncsThatCount counting) : counting_(counting) {}

    /// The call has returned.
    void apply(const DiskEvent& event);
    /// The call was under way: what it changes may be there, what it makes durable is not.
    void begin(const DiskEvent& event);

    /// Makes `folder` as a power cut now could leave it.
    void leave_in(const std::filesystem::path& folder, std::mt19937& random) const;

private:
    using NodeId = std::size_t;
    struct Change {  ///< of a file
        bool is_resize = false;
        bool is_durable = false;
        std::uint64_t offset = 0;  ///< of a resize: the size
        std::string data;
    };
    struct EntryChange {  ///< of a directory
        std::string removed;
        std::string added;
        NodeId node = 0;
    };
    struct Node {
        bool is_directory = false;
        std::string content;  ///< durable
        std::vector<Change> changes;
        std::map<std::string, NodeId> entries;  ///< durable
        std::vector<EntryChange> entry_changes;
    };
    /// How much of what was not synced survives in one image.
    struct Fortune {
        double kept;
        double torn;
        bool in_order;  ///< directories change in the order of the calls
    };
    static constexpr Fortune kEverything{1, 0, true};

    static Fortune draw_fortune(std::mt19937& random);
    static std::string file_after_crash(const Node& node, const Fortune& fortune,
                                        std::mt19937& random);
    static std::map<std::string, NodeId> entries_after_crash(const Node& node,
                                                             const Fortune& fortune,
                                                             std::mt19937& random);
    void leave(NodeId directory, const std::filesystem::path& folder, const Fortune& fortune,
               std::mt19937& random) const;

    void change(const DiskEvent& event, bool is_durable);
    void change_entry(const std::string& path, EntryChange change);
    void sync_file(const DiskEvent& event);
    void sync_directory(const DiskEvent& event);
    NodeId make_node(const DiskEvent& event, bool is_directory);
    Node* file_of(const DiskEvent& event);

    SyncsThatCount counting_;
    std::vector<Node> nodes_{Node{true, {}, {}, {}, {}}};  ///< the first is the root
    std::map<std::string, NodeId> by_path_{{"", 0}};
    std::map<std::uint64_t, NodeId> by_inode_;
};

}  // namespace sojourn::tests
