#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

namespace fs = std::filesystem;

Result<std::unique_ptr<Store>> open_at(const fs::path& path, bool create = true) {
    static SystemRandom random;
    OpenOptions options = test_options();
    options.create = create;
    return Store::open(path.native(), options, random);
}

void write_text(const fs::path& path, const std::string& text) {
    std::ofstream(path) << text;
}

bool mentions(const Error& error, const std::string& text) {
    return error.message.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a store that is not there is made only on request", "[store]") {
    TemporaryDirectory directory;
    const auto path = directory.path() / "deep" / "store";

    const auto error = open_at(path, false).error();

    REQUIRE(error.code == ErrorCode::not_found);
    REQUIRE(mentions(error, path.native()));
    REQUIRE(open_at(path, true).ok());
    REQUIRE(open_at(path, false).ok());
}

TEST_CASE("a store keeps the unit size it was made with", "[store]") {
    TemporaryDirectory directory;
    REQUIRE(open_at(directory.path()).ok());

    SystemRandom random;
    const auto again = Store::open(directory.path().native(), {.unit_bytes = 65536}, random);

    REQUIRE((*again)->unit_bytes() == kTestUnitBytes);
    REQUIRE(Store::open("mem:", {.unit_bytes = 5000}, random).error().code ==
            ErrorCode::invalid_argument);
}

TEST_CASE("a directory with other files in it does not become a store", "[store]") {
    TemporaryDirectory directory;
    write_text(directory.path() / "thesis.txt", "years of work");

    const auto error = open_at(directory.path()).error();

    REQUIRE(error.code == ErrorCode::unsupported_format);
    REQUIRE(mentions(error, directory.path().native()));
    REQUIRE(std::distance(fs::directory_iterator(directory.path()), {}) == 1);
}

TEST_CASE("a file is not a store", "[store]") {
    TemporaryDirectory directory;
    write_text(directory.path() / "file", "text");

    REQUIRE(open_at(directory.path() / "file").error().code == ErrorCode::unsupported_format);
}

TEST_CASE("a store of a newer format is refused by its name", "[store]") {
    TemporaryDirectory directory;
    REQUIRE(open_at(directory.path()).ok());
    write_text(directory.path() / "format", "sojourn store 2\n");

    const auto error = open_at(directory.path()).error();

    REQUIRE(error.code == ErrorCode::unsupported_format);
    REQUIRE(mentions(error, "sojourn store 2"));
}

TEST_CASE("a store whose making was broken off is made again", "[store]") {
    TemporaryDirectory directory;
    REQUIRE(open_at(directory.path()).ok());
    fs::remove(directory.path() / "format");

    REQUIRE(open_at(directory.path()).ok());
    REQUIRE((*open_at(directory.path()))->create_process({.name = "guest"}).ok());
}

TEST_CASE("a damaged format file is named", "[store]") {
    TemporaryDirectory directory;
    REQUIRE(open_at(directory.path()).ok());
    write_text(directory.path() / "format", "garbage");

    const auto error = open_at(directory.path()).error();

    REQUIRE(error.code == ErrorCode::corrupt);
    REQUIRE(mentions(error, (directory.path() / "format").native()));
}

TEST_CASE("a catalogue that is no database is named", "[store]") {
    TemporaryDirectory directory;
    REQUIRE(open_at(directory.path()).ok());
    write_text(directory.path() / "catalogue" / "data.mdb", std::string(8192, 'x'));

    const auto error = open_at(directory.path()).error();

    REQUIRE(error.code == ErrorCode::corrupt);
    REQUIRE(mentions(error, (directory.path() / "catalogue").native()));
}

TEST_CASE("another user's store is refused with the remedy", "[store]") {
    if (::geteuid() != 0) return;  // only root can become somebody else
    TemporaryDirectory directory;
    REQUIRE(open_at(directory.path()).ok());
    fs::permissions(directory.path(), fs::perms::all);

    const pid_t child = ::fork();
    if (child == 0) {
        if (::setuid(65534) != 0) ::_exit(1);
        const auto store = open_at(directory.path());
        const bool refused = !store.ok() && mentions(store.error(), "--store") &&
                             store.error().code == ErrorCode::permission_denied;
        ::_exit(refused ? 0 : 2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);

    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
}

TEST_CASE("a store that is opened twice at once is one store", "[store]") {
    TemporaryDirectory directory;
    const auto one = open_at(directory.path()).value();
    fs::create_directory_symlink(directory.path(), directory.path().native() + "-link");
    const auto other = open_at(directory.path().native() + "-link").value();

    const auto process = one->create_process({.name = "guest"}).value();
    const auto family = other->family(process.family).value();
    const auto same = one->family(process.family).value();
    const auto stale = family->acquire(process.id, std::nullopt).value();
    const auto owner = same->acquire(process.id, std::nullopt).value();

    REQUIRE(other->find_process("guest")->id == process.id);
    REQUIRE(family->reserve(stale).error().code == ErrorCode::lease_lost);
    REQUIRE(family->reserve(owner).value() != same->reserve(owner).value());
    fs::remove(directory.path().native() + "-link");
}

TEST_CASE("a removed process leaves no files", "[store]") {
    TemporaryDirectory directory;
    const auto store = open_at(directory.path()).value();
    const auto process = store->create_process({.name = "guest"}).value();
    const auto in_use = store->family(process.family).value();

    REQUIRE(store->remove_process(process.id).ok());

    REQUIRE(fs::is_empty(directory.path() / "families"));
}

TEST_CASE("what a crash left of a family is removed with the next process", "[store]") {
    TemporaryDirectory directory;
    const auto store = open_at(directory.path()).value();
    const auto kept = store->create_process({.name = "kept"}).value();
    const auto gone = store->create_process({.name = "gone"}).value();
    const auto orphan = directory.path() / "families" / std::string(32, 'a');
    fs::create_directory(orphan);
    fs::last_write_time(orphan, fs::file_time_type::clock::now() - std::chrono::hours(1));
    fs::last_write_time(directory.path() / "families" / kept.family.hex(),
                        fs::file_time_type::clock::now() - std::chrono::hours(1));

    REQUIRE(store->remove_process(gone.id).ok());

    REQUIRE_FALSE(fs::exists(orphan));
    REQUIRE(store->family(kept.family).ok());
}
