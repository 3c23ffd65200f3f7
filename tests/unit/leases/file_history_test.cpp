#include "leases/file_history.hpp"

#include <fcntl.h>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "leases/file.hpp"
#include "leases/internal/change.hpp"
#include "leases/manager.hpp"
#include "tests/support/lease_fixture.hpp"
#include "tests/support/other_file_system.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

const OpenRequest kToAppend{.create = true, .read = true, .write = true, .flags = kAppend};
const OpenRequest kToChange{.create = true, .read = true, .write = true};
const OpenRequest kToWriteAnew{.create = true, .truncate = true, .write = true};

/// What is below a folder: types, links, contents and times of files.
using Tree = std::map<std::string, std::string>;

Tree tree_of(const fs::path& folder) {
    Tree tree;
    std::map<ino_t, std::string> first_names;  // hard links stay links to the same file
    std::set<fs::path> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        paths.insert(entry.path());
    for (const fs::path& path : paths) {
        const fs::directory_entry entry(path);
        const std::string name = path.lexically_relative(folder);
        struct stat status {};
        ::lstat(entry.path().c_str(), &status);
        std::ostringstream text;
        if (entry.is_symlink()) {
            text << "link to " << fs::read_symlink(entry.path());
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

    fs::path place = store.path() / "files";

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

Errno write_at(Descriptor& file, std::string text, std::uint64_t offset) {
    const iovec buffer = buffer_of(text);
    auto count = file.write_at({&buffer, 1}, offset);
    return count.ok() ? Errno::success : count.error();
}

}  // namespace

TEST_CASE("appended bytes are cut off again, and the guest writes on", "[leases][history]") {
    HistoryFixture fixture;
    auto log = fixture.open("log", kToAppend);
    REQUIRE(write_text(*log, "one ") == Errno::success);
    const auto position = *fixture.history->mark();
    const Tree before = fixture.tree();
    REQUIRE(write_text(*log, "two ") == Errno::success);
    REQUIRE(write_text(*log, "three ") == Errno::success);
    log.reset();

    fixture.kill();
    REQUIRE(fixture.roll_back(position).ok());

    REQUIRE(fixture.tree() == before);
    REQUIRE(write_text(*fixture.open("log", kToAppend), "two") == Errno::success);
    REQUIRE(fixture.folder.read("log") == "one two");
}

TEST_CASE("overwritten and cut bytes are there again, with the time of change",
          "[leases][history]") {
    HistoryFixture fixture;
    const std::string text(3 * 4096 + 100, 'a');
    fixture.folder.write("db", text);
    const auto position = *fixture.history->mark();
    const Tree before = fixture.tree();
    auto file = fixture.open("db", kToChange);

    REQUIRE(write_at(*file, "changed", 4090) == Errno::success);
    REQUIRE(write_at(*file, "once more", 4091) == Errno::success);
    REQUIRE(file->set_size(10) == Errno::success);
    REQUIRE(write_at(*file, "far behind", 70'000) == Errno::success);
    file.reset();
    fixture.write("db", "and made anew");
    fixture.kill();
    REQUIRE(fixture.roll_back(position).ok());

    REQUIRE(fixture.tree() == before);
}

TEST_CASE("blocks that are written here and there are noted alone, those side by side together",
          "[leases][history]") {
    constexpr std::uint64_t kBlock = 4096;
    constexpr std::uint64_t kBlocks = 256;
    HistoryFixture fixture;
    std::string text(kBlocks * kBlock - 100, 'a');
    for (std::uint64_t block = 0; block < kBlocks; ++block)
        text[block * kBlock] = static_cast<char>(block);
    fixture.folder.write("db", text);
    const auto position = *fixture.history->mark();
    const Tree before = fixture.tree();
    auto file = fixture.open("db", kToChange);

    const std::uint64_t step = GENERATE(1U, 32U);
    for (std::uint64_t block = 0; block < kBlocks; block += step)
        REQUIRE(write_at(*file, "changed", block * kBlock + 5) == Errno::success);
    file.reset();
    const auto end = *fixture.history->mark();
    const std::uint64_t notes = plain(end) - plain(position);
    fixture.kill();
    REQUIRE(fixture.roll_back(position).ok());

    REQUIRE(fixture.tree() == before);
    if (step == 1) {
        REQUIRE(notes < kBlocks / 3);
    } else {
        REQUIRE(notes >= kBlocks / step);
        REQUIRE(notes < kBlocks / step + 3);
    }
}

TEST_CASE("names that were made, moved, replaced and removed are as they were",
          "[leases][history]") {
    HistoryFixture fixture;
    fs::create_directories(fixture.folder.path() / "old/empty");
    fixture.folder.write("old/a", "a");
    fixture.folder.write("b", "b");
    fs::create_symlink("b", fixture.folder.path() / "link");
    const auto position = *fixture.history->mark();
    const Tree before = fixture.tree();
    HostDirectory& directory = *fixture.directory;

    REQUIRE(directory.create_directory("new") == Errno::success);
    REQUIRE(directory.rename("old/a", directory, "b") == Errno::success);
    REQUIRE(directory.remove_directory("old/empty") == Errno::success);
    REQUIRE(directory.rename("old", directory, "new") == Errno::success);
    REQUIRE(directory.unlink_file("link") == Errno::success);
    REQUIRE(directory.symlink("c", "link") == Errno::success);
    fixture.write("link", "through a link that led nowhere");
    REQUIRE(directory.link("b", directory, "another") == Errno::success);
    REQUIRE(directory.unlink_file("b") == Errno::success);
    fixture.write("new/file", "in a directory that did not exist");
    REQUIRE(directory.create_directory("new") == Errno::exist);
    REQUIRE(directory.remove_directory("new") == Errno::notempty);
    const Tree after = fixture.tree();
    const auto later = *fixture.history->mark();
    fixture.kill();
    REQUIRE(fixture.roll_back(position).ok());

    REQUIRE(fixture.tree() == before);
    REQUIRE(fixture.roll_back(later).ok());
    REQUIRE(fixture.tree() == after);
    REQUIRE(fixture.roll_back(position).ok());
    REQUIRE(fixture.tree() == before);
}

TEST_CASE("what a way back will change is told before, and what is in its way",
          "[leases][history]") {
    HistoryFixture fixture;
    for (const std::string name : {"same", "changed", "theirs", "moved", "old/inside"}) {
        fs::create_directories((fixture.folder.path() / name).parent_path());
        fixture.folder.write(name, "text");
    }
    const auto position = *fixture.history->mark();
    const Tree before = fixture.tree();
    for (const std::string name : {"changed", "theirs"})
        REQUIRE(write_text(*fixture.open(name, kToAppend), " and more") == Errno::success);
    HostDirectory& directory = *fixture.directory;
    REQUIRE(directory.rename("moved", directory, "elsewhere") == Errno::success);
    REQUIRE(directory.rename("old", directory, "new") == Errno::success);
    fixture.kill();
    fixture.folder.write("theirs", "text of somebody else");
    const Tree now = fixture.tree();

    const auto will_change = *fixture.history->forecast(position);
    const auto told = [&](const std::string& name) {
        return will_change({.grant = fixture.folder.name(), .path = name});
    };

    REQUIRE_FALSE(*told("same"));
    REQUIRE_FALSE(*told("never there"));
    REQUIRE(*told("changed"));
    REQUIRE(*told("moved"));
    REQUIRE(*told("elsewhere"));
    REQUIRE(*told("old/inside"));
    REQUIRE(told("theirs").error().message == fixture.refusal(position));
    REQUIRE(fixture.tree() == now);
    fixture.folder.write("theirs", "text and more");
    REQUIRE_FALSE(fixture.history->forecast(HistoryPosition{plain(position) + 1000}).ok());
    REQUIRE(*(*fixture.history->forecast(*fixture.history->mark()))(
                {.grant = fixture.folder.name(), .path = "changed"}) == false);
}

TEST_CASE("a file that was removed while it was open is read and written on after a resume",
          "[leases][history]") {
    HistoryFixture fixture;
    auto file = fixture.open("scratch", kToChange);
    REQUIRE(write_text(*file, "0123456789") == Errno::success);
    const auto earlier = *fixture.history->mark();
    REQUIRE(fixture.directory->unlink_file("scratch") == Errno::success);
    REQUIRE(file->status()->link_count == 0);
    REQUIRE(write_at(*file, "abc", 2) == Errno::success);
    const auto position = *fixture.history->mark();
    const auto state = file->capture();
    REQUIRE(write_at(*file, "XYZ", 0) == Errno::success);
    file.reset();

    fixture.kill();
    REQUIRE(fixture.roll_back(position).ok());
    const auto service = restore_service(ServiceKind::file, state.value());
    REQUIRE((*service)->probe(fixture.host).ok());
    REQUIRE((*service)->reacquire(fixture.host).ok());

    auto& resumed = static_cast<Descriptor&>(**service);
    REQUIRE(*resumed.seek(0, Whence::set) == 0);
    REQUIRE(*read_text(resumed) == "01abc56789");
    REQUIRE(write_at(resumed, "!", 9) == Errno::success);
    REQUIRE(fixture.tree().empty());
    (*service)->release();
    REQUIRE(fixture.roll_back(earlier).ok());
    REQUIRE(fixture.folder.read("scratch") == "0123456789");
}

TEST_CASE(
    "what is removed while it is open is kept under every policy, and before a checkpoint too",
    "[leases][history]") {
    const auto policy = GENERATE(OnResume::rollback, OnResume::keep, OnResume::refuse);
    const bool is_replaced = GENERATE(false, true);
    HistoryFixture fixture(policy);
    auto file = fixture.open("scratch", kToChange);
    REQUIRE(write_text(*file, "mine") == Errno::success);

    if (is_replaced) {
        fixture.write("other", "another");
        REQUIRE(fixture.directory->rename("other", *fixture.directory, "scratch") ==
                Errno::success);
    } else {
        REQUIRE(fixture.directory->unlink_file("scratch") == Errno::success);
    }
    const auto position = *fixture.history->mark();
    const auto state = file->capture();
    file.reset();
    fixture.kill();
    const auto reached = policy == OnResume::keep ? Reach::kept : Reach::brought_back;
    REQUIRE(fixture.history->roll_back(position, [&](const Place&) { return reached; }).ok());

    const auto service = restore_service(ServiceKind::file, state.value());
    REQUIRE((*service)->reacquire(fixture.host).ok());
    auto& resumed = static_cast<Descriptor&>(**service);
    REQUIRE(*resumed.seek(0, Whence::set) == 0);
    REQUIRE(*read_text(resumed) == "mine");
    (*service)->release();
}

TEST_CASE("what somebody else changed is refused, and all is as it was before",
          "[leases][history]") {
    HistoryFixture fixture;
    fixture.folder.write("first", "first");
    fixture.folder.write("last", "last");
    const auto position = *fixture.history->mark();
    fixture.write("first", "changed first");
    fixture.write("last", "changed last");
    fixture.write("made", "by the guest");
    const auto path = fixture.folder.path() / "first";

    SECTION("its length") {
        std::ofstream(path, std::ios::app) << "!";
        fixture.kill();
        const Tree before = fixture.tree();

        REQUIRE_THAT(fixture.refusal(position),
                     Contains("first has 14 bytes, and this process left it with 13"));
        REQUIRE(fixture.tree() == before);
    }
    SECTION("its content") {
        std::fstream(path) << "CHANGED";
        fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::seconds(1));
        fixture.kill();
        const Tree before = fixture.tree();

        REQUIRE_THAT(fixture.refusal(position), Contains("--on-resume keep"));
        REQUIRE(fixture.tree() == before);
    }
    SECTION("the file") {
        fs::remove(path);
        fixture.folder.write("first", "changed first");
        fixture.kill();

        REQUIRE_THAT(fixture.refusal(position), Contains("first "));
    }
    SECTION("that it exists") {
        fs::remove(path);
        fixture.kill();

        REQUIRE_THAT(fixture.refusal(position), Contains("first can't be opened"));
    }
    REQUIRE(fixture.folder.read("last") == "changed last");
    REQUIRE(fixture.folder.read("made") == "by the guest");
}

TEST_CASE("a file that somebody else changed while the process wrote it is refused",
          "[leases][history]") {
    HistoryFixture fixture;
    auto log = fixture.open("log", kToAppend);
    const auto position = *fixture.history->mark();
    REQUIRE(write_text(*log, "ours ") == Errno::success);
    REQUIRE(fixture.history->mark().ok());
    std::ofstream(fixture.folder.path() / "log", std::ios::app) << "theirs ";
    REQUIRE(write_text(*log, "ours") == Errno::success);
    log.reset();

    REQUIRE_THAT(fixture.refusal(position), Contains("was changed by somebody else while"));
    REQUIRE(fixture.folder.read("log") == "ours theirs ours");
}

TEST_CASE("a directory that is kept is taken as it is, and can't be brought back from before",
          "[leases][history]") {
    HistoryFixture fixture;
    fixture.write("file", "old");
    const auto position = *fixture.history->mark();
    fixture.write("file", "new");
    std::ofstream(fixture.folder.path() / "file", std::ios::app) << " and theirs";
    fixture.kill();

    REQUIRE(fixture.history->roll_back(position, [](const Place&) { return Reach::kept; }).ok());

    REQUIRE(fixture.folder.read("file") == "new and theirs");
    REQUIRE_THAT(fixture.refusal(position), Contains("was kept as it was at a resume"));
}

TEST_CASE("what a history names and nobody has granted refuses the way back, untouched",
          "[leases][history][sandbox]") {
    HistoryFixture fixture;
    fixture.write("ours", "old");
    fixture.write("theirs", "old");
    const auto position = *fixture.history->mark();
    fixture.write("theirs", "new");
    fixture.write("ours", "new");
    fixture.kill();

    const auto result = fixture.history->roll_back(position, [](const Place& place) {
        return place.path == "theirs" ? Reach::not_granted : Reach::brought_back;
    });

    REQUIRE_THAT(result.error().message, Contains("theirs is not granted on this host"));
    REQUIRE(fixture.folder.read("theirs") == "new");
    REQUIRE(fixture.folder.read("ours") == "new");
}

TEST_CASE("what no checkpoint can go back to is not kept", "[leases][history]") {
    HistoryFixture fixture;
    const auto attic = fixture.store.path() / "files/attic";
    fixture.write("file", "removed");
    const auto first = *fixture.history->mark();
    REQUIRE(fixture.directory->unlink_file("file") == Errno::success);
    REQUIRE_FALSE(fs::is_empty(attic));
    for (int block = 0; block < 3000; ++block) {
        auto file = fixture.open("big", kToChange);
        REQUIRE(write_at(*file, std::string(4096, 'x'), 0) == Errno::success);
        REQUIRE(fixture.history->mark().ok());
    }
    const auto position = *fixture.history->mark();

    REQUIRE(fixture.history->drop_before(position).ok());

    REQUIRE(fs::is_empty(attic));
    REQUIRE(fs::exists(fixture.folder.path() / "big"));
    REQUIRE_THAT(fixture.refusal(first), Contains("is not known"));
    REQUIRE(fixture.roll_back(position).ok());
}

TEST_CASE("what was removed while it is open twice is kept until it is closed twice",
          "[leases][history]") {
    HistoryFixture fixture;
    const auto attic = fixture.store.path() / "files/attic";
    LeaseManager manager(fixture.host, store::Epoch{1});
    const LeaseId one = manager.grant(fixture.open("scratch", kToChange));
    const LeaseId other = manager.grant(fixture.open("scratch", kToChange));
    REQUIRE(write_text(static_cast<Descriptor&>(**manager.use(one)), "mine") == Errno::success);
    REQUIRE(fixture.directory->unlink_file("scratch") == Errno::success);
    REQUIRE(fixture.history->mark().ok());
    const auto drop = [&] {
        fixture.write("other", "a change since");
        const auto position = *fixture.history->mark();
        REQUIRE(fixture.history->drop_before(position).ok());
    };
    const bool is_used_before = GENERATE(false, true);
    REQUIRE(manager.expire_all().ok());

    if (is_used_before) REQUIRE(manager.use(one).ok());
    manager.give_back(one);
    drop();

    auto kept = manager.use(other);
    REQUIRE(kept.ok());
    CHECK(*read_text(static_cast<Descriptor&>(**kept)) == "mine");
    REQUIRE(manager.expire_all().ok());
    manager.give_back(other);
    drop();
    CHECK(fs::is_empty(attic));
}

TEST_CASE("any checkpoint of a random history can be gone to, in any order",
          "[leases][history][random]") {
    // In the first, directories are moved, removed and made anew between two ways back.
    const std::uint32_t known = GENERATE(252033741U, 0U);
    const auto fresh = Catch::rngSeed() != 0 ? Catch::rngSeed() : std::random_device()();
    const auto seed = known != 0 ? known : fresh;
    CAPTURE(seed);
    std::mt19937 random(seed);
    HistoryFixture fixture;
    // There, what has two names comes back as two files.
    const bool keeps_copies = GENERATE(false, true);
    if (keeps_copies) fixture.move_store_away();
    const auto pick = [&](std::size_t below) { return random() % below; };
    const auto name = [&] {
        constexpr std::array kNames = {"a", "b", "c", "d", "d/a", "d/b", "d/d", "e", "e/a", "l"};
        return std::string(kNames[pick(kNames.size())]);
    };
    std::vector<std::pair<HistoryPosition, Tree>> moments;
    std::vector<std::unique_ptr<Descriptor>> files;
    const auto change = [&] {
        HostDirectory& directory = *fixture.directory;
        switch (pick(12)) {
            case 0: {
                auto opened = directory.open(name(), pick(2) == 0 ? kToChange : kToAppend);
                const bool is_file = opened.ok() && (*opened)->type() == FileType::regular_file;
                if (is_file) files.push_back(std::move(*opened));
                break;
            }
            case 1:
                if (!files.empty())
                    files.erase(files.begin() + static_cast<std::ptrdiff_t>(pick(files.size())));
                break;
            case 2:
                directory.create_directory(name());
                break;
            case 3:
                directory.remove_directory(name());
                break;
            case 4:
                directory.unlink_file(name());
                break;
            case 5:
                directory.rename(name(), directory, name());
                break;
            case 6:
                if (!keeps_copies) directory.link(name(), directory, name());
                break;
            case 7:
                directory.symlink(name(), name());
                break;
            case 8: {
                auto opened = directory.open(name(), kToWriteAnew);
                if (opened.ok()) write_text(**opened, "made anew");
                break;
            }
            case 9:
                if (!files.empty()) files[pick(files.size())]->set_size(pick(20'000));
                break;
            default:
                if (!files.empty())
                    write_at(*files[pick(files.size())], std::string(pick(6000), 'x') + "y",
                             pick(15'000));
        }
    };

    for (int step = 0; step < 1500; ++step) {
        INFO("step " << step);
        change();
        if (pick(20) == 0) moments.emplace_back(*fixture.history->mark(), fixture.tree());
        if (moments.empty() || pick(40) != 0) continue;
        files.clear();
        if (pick(2) == 0) fixture.kill();
        const auto& [position, tree] = moments[pick(moments.size())];
        const auto rolled_back = fixture.roll_back(position);
        CAPTURE(rolled_back.ok() ? "" : rolled_back.error().message);
        REQUIRE(rolled_back.ok());
        REQUIRE(fixture.tree() == tree);
    }
}
