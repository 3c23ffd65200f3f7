#include "store/internal/lmdb_family.hpp"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <iostream>
#include <random>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/fault_point.hpp"
#include "store/internal/family_tables.hpp"
#include "tests/contract/store_fixture.hpp"
#include "tests/support/sanitizer.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

namespace fs = std::filesystem;

ProcessRecord guest() {
    ProcessRecord process;
    process.id.bytes[0] = std::byte{1};
    process.name = "guest";
    return process;
}

std::shared_ptr<LmdbFamily> make_at(const fs::path& path) {
    return LmdbFamily::create(path, guest(), kTestUnitBytes, false).value();
}

Result<Version> publish(Family& family, FencingToken token, const std::vector<EncodedUnit>& units) {
    Publication publication;
    publication.info.id = TRY(family.reserve(token));
    publication.units = units;
    publication.attachment = as_bytes("state");
    TRY(family.publish(token, publication));
    return publication.info.id;
}

ByteVector read_at(const Family& family, Version checkpoint, std::uint64_t unit) {
    ByteVector out(kTestUnitBytes);
    const auto view = family.view_of(checkpoint).value();
    REQUIRE(*family.read_unit(view, {kRegion, UnitIndex{unit}}, out) == UnitState::present);
    return out;
}

/// Runs `body` in a host process of its own and returns how that ended.
template <typename Body>
int in_child(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        body();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

/// Publishes unit 0 = 2 in a host process that dies at a fault point.
int die_publishing(const fs::path& path, const char* fault) {
    return in_child([&] {
        ::setenv("SOJOURN_FAULT", fault, 1);
        if (!fault::arm_from_environment().ok()) ::_exit(3);
        const auto family = LmdbFamily::open(path, false).value();
        const auto token = family->acquire(guest().id, std::nullopt).value();
        (void)publish(*family, token, {encoded(0, 2)});
    });
}

std::vector<EncodedUnit> noisy_units(std::uint64_t count, std::uint8_t seed) {
    std::vector<EncodedUnit> units;
    for (std::uint64_t unit = 0; unit < count; ++unit) {
        units.push_back(encoded(unit, static_cast<std::uint8_t>(seed + unit), true));
    }
    return units;
}

/// How many values of units the database holds.
int values_in(const fs::path& path) {
    const auto environment =
        Environment::open(path, family_environment_options(false, false)).value();
    const auto transaction = environment->read().value();
    auto cursor = transaction.cursor(index_of(FamilyTable::pages));
    int count = 0;
    while (cursor.next().value())
        ++count;
    return count;
}

void flip_bytes_of(const fs::path& file, Bytes wanted) {
    auto bytes = read_file(file).value();
    int flipped = 0;
    for (auto at = bytes.begin();; ++at) {
        at = std::search(at, bytes.end(), wanted.begin(), wanted.end());
        if (at == bytes.end()) break;
        *at ^= std::byte{1};
        ++flipped;
    }
    REQUIRE(flipped > 0);
    const UniqueFd opened(::open(file.c_str(), O_WRONLY | O_TRUNC));
    REQUIRE(write_all(opened.get(), bytes).ok());
}

}  // namespace

TEST_CASE("a publish that dies before its commit never happened", "[store][crash]") {
    TemporaryDirectory directory;
    Version first = kNoVersion;
    {
        const auto family = make_at(directory.path());
        const auto token = family->acquire(guest().id, std::nullopt).value();
        first = publish(*family, token, {encoded(0, 1)}).value();
    }

    const int status = die_publishing(directory.path(), "store_publish_before_commit:kill");

    REQUIRE(WIFSIGNALED(status));
    const auto family = LmdbFamily::open(directory.path(), false).value();
    REQUIRE(family->process(guest().id)->head == first);
    REQUIRE(read_at(*family, first, 0) == unit_of(1));
    REQUIRE(family->verify()->empty());
}

TEST_CASE("a publish that dies after its commit has happened", "[store][crash]") {
    TemporaryDirectory directory;
    { make_at(directory.path()); }

    const int status = die_publishing(directory.path(), "store_publish_after_commit:kill");

    REQUIRE(WIFSIGNALED(status));
    const auto family = LmdbFamily::open(directory.path(), false).value();
    const auto head = family->process(guest().id)->head;
    REQUIRE(head != kNoVersion);
    REQUIRE(read_at(*family, head, 0) == unit_of(2));
}

TEST_CASE("what was acknowledged survives a kill at any moment", "[store][crash]") {
    TemporaryDirectory directory;
    { make_at(directory.path()); }
    std::mt19937 random(std::random_device{}());

    for (int round = 0; round < 20; ++round) {
        std::array<int, 2> pipe{};
        REQUIRE(::pipe(pipe.data()) == 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const auto family = LmdbFamily::open(directory.path(), false).value();
            const auto token = family->acquire(guest().id, std::nullopt).value();
            for (std::uint8_t value = 0;; ++value) {
                const auto units = noisy_units(20, value);
                const auto version = publish(*family, token, units).value();
                const std::array<std::uint64_t, 2> told{static_cast<std::uint64_t>(version), value};
                if (::write(pipe[1], told.data(), sizeof told) != sizeof told) ::_exit(1);
            }
        }
        ::close(pipe[1]);
        std::this_thread::sleep_for(std::chrono::microseconds(3000 + random() % 8000));
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        std::array<std::uint64_t, 2> told{};
        std::array<std::uint64_t, 2> last{};
        while (::read(pipe[0], told.data(), sizeof told) == sizeof told)
            last = told;
        ::close(pipe[0]);

        const auto family = LmdbFamily::open(directory.path(), false).value();
        REQUIRE(family->verify()->empty());
        if (last[0] == 0) continue;
        REQUIRE(static_cast<std::uint64_t>(family->process(guest().id)->head) >= last[0]);
        REQUIRE(read_at(*family, Version{last[0]}, 7) ==
                unit_of(static_cast<std::uint8_t>(last[1] + 7), true));
    }
}

TEST_CASE("a full disk leaves everything as it was", "[store]") {
    TemporaryDirectory directory;
    Version head = kNoVersion;
    {
        const auto family = make_at(directory.path());
        const auto token = family->acquire(guest().id, std::nullopt).value();
        head = publish(*family, token, noisy_units(10, 1)).value();
    }

    const int status = in_child([&] {
        const auto size = fs::file_size(directory.path() / "data.mdb");
        const struct rlimit limit { size + 8192, size + 8192 };
        ::signal(SIGXFSZ, SIG_IGN);
        const auto family = LmdbFamily::open(directory.path(), false).value();
        const auto token = family->acquire(guest().id, std::nullopt).value();
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto full = publish(*family, token, noisy_units(500, 2));
        if (full.ok() || full.error().code != ErrorCode::store_full) ::_exit(1);
        const auto staged = family->stage(token, Version{99}, noisy_units(500, 2));
        if (staged.ok() || staged.error().code != ErrorCode::store_full) ::_exit(2);
        if (!family->verify()->empty()) ::_exit(3);
    });

    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    const auto family = LmdbFamily::open(directory.path(), false).value();
    REQUIRE(family->process(guest().id)->head == head);
    REQUIRE(read_at(*family, head, 3) == unit_of(4, true));
    REQUIRE(family->verify()->empty());
}

TEST_CASE("a map that was small grows with the data", "[store]") {
    if (tests::kSanitized) {
        std::cout << "test skipped: a sanitizer needs more addresses than the test leaves\n";
        return;
    }
    TemporaryDirectory directory;

    const int status = in_child([&] {
        // So little address space that 1 TiB, and all but the smallest map, cannot be reserved.
        const struct rlimit limit { std::size_t{1} << 29, std::size_t{1} << 29 };
        ::setrlimit(RLIMIT_AS, &limit);
        const auto family = make_at(directory.path());
        const auto token = family->acquire(guest().id, std::nullopt).value();
        Version version = kNoVersion;
        for (std::uint8_t round = 0; round < 60; ++round) {
            version = publish(*family, token, noisy_units(700, round)).value();
        }
        if (!(read_at(*family, version, 5) == unit_of(64, true))) ::_exit(1);
    });

    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    const auto family = LmdbFamily::open(directory.path(), false).value();
    REQUIRE(fs::file_size(directory.path() / "data.mdb") > (std::size_t{1} << 27));
    REQUIRE(family->verify()->empty());
}

TEST_CASE("a damaged unit names itself and the other checkpoints stay readable", "[store]") {
    TemporaryDirectory directory;
    Version first = kNoVersion;
    Version second = kNoVersion;
    {
        const auto family = make_at(directory.path());
        const auto token = family->acquire(guest().id, std::nullopt).value();
        first = publish(*family, token, {encoded(0, 1, true), encoded(1, 2, true)}).value();
        second = publish(*family, token, {encoded(0, 3, true)}).value();
    }

    const auto victim = unit_of(1, true);
    flip_bytes_of(directory.path() / "data.mdb", Bytes(victim).subspan(100, 64));

    const auto family = LmdbFamily::open(directory.path(), false).value();
    ByteVector out(kTestUnitBytes);
    const auto damaged = family->read_unit(*family->view_of(first), {kRegion, UnitIndex{0}}, out);
    REQUIRE(damaged.error().code == ErrorCode::corrupt);
    REQUIRE(damaged.error().message.find("unit 0 of region 1") != std::string::npos);
    REQUIRE(read_at(*family, first, 1) == unit_of(2, true));
    REQUIRE(read_at(*family, second, 0) == unit_of(3, true));
    REQUIRE(family->verify()->size() == 1);
}

TEST_CASE("a file cut anywhere is an error or a whole store, never a crash", "[store]") {
    TemporaryDirectory directory;
    {
        const auto family = make_at(directory.path());
        const auto token = family->acquire(guest().id, std::nullopt).value();
        for (std::uint8_t round = 0; round < 4; ++round) {
            publish(*family, token, noisy_units(10, round)).value();
        }
    }
    const auto file = directory.path() / "data.mdb";
    const auto whole = read_file(file).value();
    int refused = 0;

    for (std::size_t size = 0; size <= whole.size(); size += 2048) {
        {
            const UniqueFd opened(::open(file.c_str(), O_WRONLY | O_TRUNC));
            REQUIRE(write_all(opened.get(), Bytes(whole).first(size)).ok());
        }
        const auto family = LmdbFamily::open(directory.path(), false);
        if (!family.ok()) {
            ++refused;
            REQUIRE(family.error().message.find(directory.path().native()) != std::string::npos);
            continue;
        }
        const auto problems = (*family)->verify();
        if (!problems.ok() || !problems->empty()) ++refused;
    }

    REQUIRE(refused > 0);
    REQUIRE(LmdbFamily::open(directory.path(), false).value()->verify()->empty());
}

TEST_CASE("many threads read while one publishes and removes", "[store]") {
    TemporaryDirectory directory;
    const auto family = make_at(directory.path());
    const auto token = family->acquire(guest().id, std::nullopt).value();
    const auto base = publish(*family, token, noisy_units(30, 5)).value();
    const auto view = family->view_of(base).value();
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;

    std::vector<std::thread> readers;
    for (int reader = 0; reader < 12; ++reader) {
        readers.emplace_back([&] {
            ByteVector out(kTestUnitBytes);
            for (std::uint64_t unit = 0; !done; unit = (unit + 1) % 30) {
                const auto state = family->read_unit(view, {kRegion, UnitIndex{unit}}, out);
                const bool right = state.ok() && *state == UnitState::present &&
                                   out == unit_of(static_cast<std::uint8_t>(5 + unit), true);
                if (!right) ++wrong;
            }
        });
    }
    Version last = kNoVersion;
    for (std::uint8_t round = 0; round < 100; ++round) {
        const auto version = publish(*family, token, noisy_units(5, round)).value();
        if (last != kNoVersion) REQUIRE(family->remove_checkpoint(last).ok());
        last = version;
    }
    done = true;
    for (std::thread& reader : readers)
        reader.join();

    REQUIRE(wrong == 0);
    REQUIRE(family->verify()->empty());
}

TEST_CASE("removed checkpoints give their space back", "[store]") {
    TemporaryDirectory directory;
    const auto family = make_at(directory.path());
    const auto token = family->acquire(guest().id, std::nullopt).value();
    Version last = publish(*family, token, noisy_units(100, 0)).value();
    for (std::uint8_t round = 1; round < 60; ++round) {
        const auto version = publish(*family, token, noisy_units(100, round)).value();
        REQUIRE(family->remove_checkpoint(last).ok());
        last = version;
    }

    REQUIRE(fs::file_size(directory.path() / "data.mdb") < 8 * 100 * kTestUnitBytes);
    REQUIRE(family->checkpoints(guest().id)->size() == 1);
}

TEST_CASE("a value goes with its last reader and not before", "[store]") {
    TemporaryDirectory directory;
    const auto family = make_at(directory.path());
    const auto token = family->acquire(guest().id, std::nullopt).value();
    const auto first = publish(*family, token, {encoded(0, 1), encoded(1, 1)}).value();
    const auto second = publish(*family, token, {encoded(0, 2)}).value();
    const auto third = publish(*family, token, {encoded(0, 3), encoded(1, 3)}).value();
    REQUIRE(values_in(directory.path()) == 5);

    REQUIRE(family->remove_checkpoint(first).ok());
    REQUIRE(values_in(directory.path()) == 4);  // unit 1 of `first` is what `second` reads
    REQUIRE(read_at(*family, second, 1) == unit_of(1));

    REQUIRE(family->remove_checkpoint(second).ok());
    REQUIRE(values_in(directory.path()) == 2);
    REQUIRE(read_at(*family, third, 0) == unit_of(3));
}

TEST_CASE("a branch that nobody is on takes its values and its fork along", "[store]") {
    TemporaryDirectory directory;
    const auto family = make_at(directory.path());
    const auto trunk = family->acquire(guest().id, std::nullopt).value();
    const auto base = publish(*family, trunk, {encoded(0, 1)}).value();
    const auto old_tip = publish(*family, trunk, {encoded(0, 2), encoded(1, 2)}).value();
    const auto twig = family->acquire(guest().id, base).value();
    const auto tip = publish(*family, twig, {encoded(0, 3)}).value();
    REQUIRE(values_in(directory.path()) == 4);

    REQUIRE(family->remove_checkpoint(old_tip).ok());
    REQUIRE(values_in(directory.path()) == 2);
    REQUIRE(family->remove_checkpoint(base).ok());
    REQUIRE(values_in(directory.path()) == 2);  // the fork still reads `base`
    const auto back = family->acquire(guest().id, tip).value();
    publish(*family, back, {encoded(0, 4)}).value();
    REQUIRE(family->remove_checkpoint(tip).ok());

    REQUIRE(values_in(directory.path()) == 2);
    REQUIRE(family->verify()->empty());
}

TEST_CASE("numbers are not given out twice when the notes are lost", "[store]") {
    TemporaryDirectory directory;
    Version last = kNoVersion;
    {
        const auto family = make_at(directory.path());
        const auto token = family->acquire(guest().id, std::nullopt).value();
        last = publish(*family, token, {encoded(0, 1)}).value();
    }
    fs::remove(directory.path() / "notes");

    const auto family = LmdbFamily::open(directory.path(), false).value();
    const auto token = family->acquire(guest().id, std::nullopt).value();

    REQUIRE(family->reserve(token).value() > last);
    REQUIRE(family->checkpoint(last)->durable_us == 0);
}
