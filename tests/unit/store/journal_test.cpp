#include "store/journal.hpp"

#include <catch2/catch.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace sojourn;
using namespace sojourn::store;
using sojourn::tests::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

std::string read_text(Journal& journal, std::uint64_t number) {
    const auto record = journal.read(RecordNumber{number});
    return record.ok() ? std::string(as_text(*record)) : std::string(text_of(record.error().code));
}

fs::path only_file(const TemporaryFolder& folder) {
    return fs::directory_iterator(folder.path())->path();
}

}  // namespace

TEST_CASE("records are numbered from 1 and read back, also by a later life", "[store][journal]") {
    const TemporaryFolder folder;
    {
        const auto journal = *Journal::open(folder.path());
        REQUIRE(*journal->append(as_bytes("one")) == RecordNumber{1});
        REQUIRE(*journal->append(as_bytes("")) == RecordNumber{2});
        REQUIRE(journal->sync().ok());
    }

    const auto journal = *Journal::open(folder.path());

    REQUIRE(journal->end() == RecordNumber{3});
    REQUIRE(*journal->append(as_bytes("three")) == RecordNumber{3});
    REQUIRE(read_text(*journal, 1) == "one");
    REQUIRE(read_text(*journal, 2).empty());
    REQUIRE(read_text(*journal, 3) == "three");
    REQUIRE(read_text(*journal, 4) == "not found");
}

TEST_CASE("a record whose writing was broken off is gone as a whole", "[store][journal]") {
    const TemporaryFolder folder;
    {
        const auto journal = *Journal::open(folder.path());
        REQUIRE(journal->append(as_bytes("whole")).ok());
        REQUIRE(journal->append(as_bytes("broken off")).ok());
    }
    const auto path = only_file(folder);
    const auto size = fs::file_size(path);
    const auto lost = GENERATE(1U, 5U, 10U, 20U, 33U);
    fs::resize_file(path, size - lost);

    const auto journal = *Journal::open(folder.path());

    REQUIRE(journal->end() == RecordNumber{2});
    REQUIRE(*journal->append(as_bytes("again")) == RecordNumber{2});
    REQUIRE(read_text(*journal, 1) == "whole");
    REQUIRE(read_text(*journal, 2) == "again");
}

TEST_CASE("what damage hides is corrupt, and the journal goes on behind it", "[store][journal]") {
    const TemporaryFolder folder;
    {
        const auto journal = *Journal::open(folder.path());
        for (const char* text : {"first", "second", "third"})
            REQUIRE(journal->append(as_bytes(text)).ok());
    }
    std::fstream file(only_file(folder), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 24 + 5 + 24 + 2).put('X');
    file.close();

    const auto journal = *Journal::open(folder.path());

    REQUIRE(read_text(*journal, 1) == "first");
    REQUIRE(read_text(*journal, 2) == "corrupt data");
    REQUIRE(read_text(*journal, 3) == "corrupt data");
    const auto next = *journal->append(as_bytes("next"));
    REQUIRE(next > RecordNumber{1'000'000});
    REQUIRE(read_text(*journal, plain(next)) == "next");
}

TEST_CASE("files of old records are removed, and numbers go on", "[store][journal]") {
    const TemporaryFolder folder;
    const auto journal = *Journal::open(folder.path());
    const std::string text(1 << 20, 'x');
    for (int i = 0; i < 12; ++i)
        REQUIRE(journal->append(as_bytes(text)).ok());

    REQUIRE(journal->drop_before(RecordNumber{9}).ok());

    REQUIRE(journal->first() > RecordNumber{4});
    REQUIRE(journal->first() <= RecordNumber{9});
    REQUIRE(read_text(*journal, 1) == "not found");
    REQUIRE(read_text(*journal, 12) == text);
    REQUIRE(*journal->append(as_bytes("13")) == RecordNumber{13});
}
