#pragma once

#include <map>
#include <optional>
#include <set>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "leases/file.hpp"
#include "leases/file_history.hpp"
#include "leases/manager.hpp"
#include "tests/support/lease_fixture.hpp"
#include "tests/support/other_file_system.hpp"

namespace sojourn::test {

using namespace leases;

inline const OpenRequest kToAppend{.create = true, .read = true, .write = true, .flags = kAppend};
inline const OpenRequest kToChange{.create = true, .read = true, .write = true};
inline const OpenRequest kToWriteAnew{.create = true, .truncate = true, .write = true};

/// What is below a folder: types, links, contents and times of files.
using Tree = std::map<std::string, std::string>;

inline Tree tree_of(const std::filesystem::path& folder) {
    Tree tree;
    std::map<ino_t, std::string> first_names;  // hard links stay links to the same file
    std::set<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        paths.insert(entry.path());
    for (const std::filesystem::path& path : paths) {
        const std::filesystem::directory_entry entry(path);
        const std::string name = path.lexically_relative(folder);
        struct stat status {};
        ::lstat(entry.path().c_str(), &status);
        std::ostringstream text;
        if (entry.is_symlink()) {
            text << "link to " << std::filesystem::read_symlink(entry.path());
        } else if (entry.is_directory()) {
            text << "directory";
        } else {
            text << first_names.emplace(status.st_ino, name).first->second << " "
                 << status.st_mtim.tv_sec << "." << status.st_mtim.tv_nsec << ": "
                 << std::ifstream(entry.path()).rdbuf();
        }
        tree[name] = text.str();
    }
    return tree;
}

/// A guest's folder and the history of what is changed in it.
struct HistoryFixture : HostFixture {
    TemporaryFolder folder;
    TemporaryFolder store;
    std::optional<tests::OtherFileSystem> elsewhere;
    OnResume on_resume = OnResume::rollback;
    std::vector<std::unique_ptr<FileHistory>> killed;
    std::unique_ptr<FileHistory> history;
    std::unique_ptr<HostDirectory> directory;

    std::filesystem::path place = store.path() / "files";

    explicit HistoryFixture(OnResume policy = OnResume::rollback) : on_resume(policy) { begin(); }

    void begin() {
        history = *FileHistory::open(place);
        host.files = history.get();
        const Place granted{.grant = folder.name(), .path = {}, .on_resume = on_resume};
        directory = *HostDirectory::grant(granted, "/", history.get());
    }
    /// What is removed is kept as a copy from now on.
    void move_store_away() {
        place = elsewhere.emplace().path() / "files";
        directory.reset();
        history.reset();
        begin();
    }
    /// The history hears nothing of its end, as when a process is killed.
    void kill() {
        directory.reset();
        killed.push_back(std::move(history));
        begin();
    }
    [[nodiscard]] Tree tree() const { return tree_of(folder.path()); }
    [[nodiscard]] std::unique_ptr<Descriptor> open(const std::string& name,
                                                   const OpenRequest& request) const {
        auto opened = directory->open(name, request);
        REQUIRE(opened.ok());
        return std::move(*opened);
    }
    void write(const std::string& name, const std::string& text) const {
        REQUIRE(write_text(*open(name, kToWriteAnew), text) == Errno::success);
    }
    [[nodiscard]] Result<void> roll_back(HistoryPosition position) const {
        return history->roll_back(position, [](const Place&) { return Reach::brought_back; });
    }
    [[nodiscard]] std::string refusal(HistoryPosition position) const {
        const auto result = roll_back(position);
        REQUIRE_FALSE(result.ok());
        return result.error().message;
    }
};

inline Errno write_at(Descriptor& file, std::string text, std::uint64_t offset) {
    const iovec buffer = buffer_of(text);
    auto count = file.write_at({&buffer, 1}, offset);
    return count.ok() ? Errno::success : count.error();
}

}  // namespace sojourn::test
