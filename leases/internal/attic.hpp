#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/file.hpp"
#include "leases/internal/change.hpp"
#include "store/journal.hpp"

namespace sojourn::leases {

/// Where what a process removed or replaced lies until no checkpoint needs it: a directory in the
/// store. What is put there is named by the record that notes its removal. It is moved, with its
/// inode, where the file system is the same one, and copied where it is another.
///
/// The process's log lies there as well, for good: what is in the attic is found again wherever the
/// store lies.
class Attic {
public:
    using Number = store::RecordNumber;

    /// The log's: no record has it.
    static constexpr Number kLog{UINT64_MAX};
    static constexpr std::string_view kLogName = "log";

    static Result<Attic> open(const std::filesystem::path& directory);

    static std::string path_of(Number number);
    /// nullopt: it can't be a name in an attic.
    static std::optional<Number> number_of(std::string_view path);
    static Place place_of(Number number, OnResume on_resume);

    [[nodiscard]] bool has(Number number) const { return names_.contains(number); }

    /// Of the file system that it is on.
    [[nodiscard]] std::uint64_t device() const { return device_; }
    /// What a file is known by. Where the attic can't hold the inode itself, its number is used
    /// again as soon as the file is removed, so that its generation is looked at, too.
    [[nodiscard]] FileIdentity identity_of(const HostStatus& status) const;
    /// Requires: it is there.
    [[nodiscard]] Result<FileIdentity> identity(Number number) const;

    /// Opens a file that is there. Errors: not_found, io.
    Result<UniqueFd> open_file(Number number, int flags) const;

    /// Opens the log to append to it; makes it if it is not there.
    Result<UniqueFd> open_log();

    /// Takes what `parent` has as `name` away from there.
    Result<void> take(int parent, const std::string& name, Number number);
    /// Takes it as well, but leaves it where it is: it is about to be replaced.
    Result<void> link(int parent, const std::string& name, Number number);
    /// Puts it back. Errors: already_exists.
    Result<void> give(Number number, int parent, const std::string& name);

    /// The guest has no descriptor of it any more, from record `at` on; or has one again.
    void release(Number number, Number at);
    void hold(Number number);

    /// Removes what was put there, and released, before `number`; of very much, the oldest.
    void drop_before(Number number);

private:
    struct Entry {
        std::string name;
        std::optional<Number> released_at;
    };

    Attic(UniqueFd directory, std::uint64_t device)
        : directory_(std::move(directory)), device_(device) {}
    Result<void> list();
    void rename_entry(Number number, std::optional<Number> released_at);

    UniqueFd directory_;
    std::uint64_t device_;
    std::map<Number, Entry> names_;
};

}  // namespace sojourn::leases
