#include "leases/file_history.hpp"

#include <random>
#include <unistd.h>

#include "tests/support/history_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
using Catch::Contains;
namespace fs = std::filesystem;

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
