#include "store/repair.hpp"

#include <algorithm>
#include <fstream>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/contract/store_fixture.hpp"

using namespace sojourn;
using namespace sojourn::store;

namespace {

namespace fs = std::filesystem;

/// A store with a process of three checkpoints, a fork of the second, and another family.
class RepairFixture {
public:
    RepairFixture() {
        guest = *store->create_process({.name = "guest"});
        const ProcessRecord other = *store->create_process({.name = "other"});
        for (std::uint8_t value = 1; value <= 3; ++value)
            publish(guest, {encoded(0, value, true), encoded(value, 9, true)});
        publish(other, {encoded(0, 50)});
        const std::vector<NewProcess> copies{{.name = "twin", .generation = 1}};
        const auto twin = store->fork_process(guest, Version{2}, copies).value().front();
        publish(twin, {encoded(0, 70, true)});
        REQUIRE(family(guest)->set_tag(Version{2}, "good", false).ok());
        REQUIRE(family(guest)->note_durable(Version{2}, 77).ok());
        REQUIRE(store->set_grants(guest.id, as_bytes("a folder")).ok());
        REQUIRE(store->put_module(unit_of(5, true)).ok());
        const fs::path history = store->file_history_directory(guest);
        fs::create_directories(history);
        std::ofstream(history / "log") << "words";
        others_family = other.family;
    }

    void publish(const ProcessRecord& process, const std::vector<EncodedUnit>& units) {
        const auto token = *family(process)->acquire(process.id, std::nullopt);
        Publication publication;
        publication.info.id = *family(process)->reserve(token);
        publication.units = units;
        publication.attachment = as_bytes("state");
        REQUIRE(family(process)->publish(token, publication).ok());
    }

    [[nodiscard]] std::shared_ptr<Family> family(const ProcessRecord& process) const {
        return *store->family(process.family);
    }

    [[nodiscard]] fs::path root() const { return directory.path() / "s"; }
    [[nodiscard]] fs::path database(FamilyId id) const {
        return root() / "families" / id.hex() / "data.mdb";
    }

    RepairReport repair() {
        store.reset();
        const auto report =
            repair_store(root(), directory.path() / "new", random, [](std::uint64_t) {});
        INFO((report.ok() ? "" : report.error().message));
        REQUIRE(report.ok());
        store = *Store::open(directory.path() / "new", {.create = false}, random);
        REQUIRE(verify_store(*store, [](std::uint64_t) {})->problems.empty());
        return *report;
    }

    /// Turns the byte behind the first place of `wanted`.
    void damage(const fs::path& file, Bytes wanted) {
        store.reset();
        auto bytes = read_file(file).value();
        const auto at = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
        REQUIRE(at != bytes.end());
        *(at + static_cast<std::ptrdiff_t>(wanted.size())) ^= std::byte{1};
        REQUIRE(write_file(file, bytes).ok());
    }

    [[nodiscard]] std::optional<int> at(const std::string& name, Version checkpoint,
                                        std::uint64_t unit) const {
        const auto process = store->find_process(name).value();
        const auto view = family(process)->view_of(checkpoint).value();
        ByteVector out(kTestUnitBytes);
        const auto state = family(process)->read_unit(view, {kRegion, UnitIndex{unit}}, out);
        REQUIRE(state.ok());
        if (*state == UnitState::absent) return std::nullopt;
        return std::to_integer<int>(out[0]);
    }

    TemporaryDirectory directory;
    SystemRandom random;
    std::unique_ptr<Store> store =
        *Store::open((directory.path() / "s").native(), test_options(), random);
    ProcessRecord guest;
    FamilyId others_family;
};

int first_byte(std::uint8_t value) {
    return std::to_integer<int>(unit_of(value, true)[0]);
}

}  // namespace

TEST_CASE("a repair of a whole store brings back all of it, and writes nothing to it",
          "[store][repair]") {
    RepairFixture fixture;
    const auto before = fixture.store->processes().value();
    const auto history = fixture.family(fixture.guest)->checkpoints(fixture.guest.id).value();
    fixture.store.reset();
    std::map<fs::path, fs::file_time_type> times;
    for (const auto& entry : fs::recursive_directory_iterator(fixture.root()))
        times[entry.path()] = entry.last_write_time();

    const RepairReport report = fixture.repair();

    REQUIRE(report.problems.empty());
    REQUIRE(report.lost.empty());
    REQUIRE(report.set_back.empty());
    REQUIRE(report.gone.empty());
    REQUIRE(report.processes == 3);
    REQUIRE(report.checkpoints == 5);
    const auto after = fixture.store->processes().value();
    REQUIRE(after.size() == before.size());
    for (std::size_t index = 0; index < after.size(); ++index) {
        REQUIRE(after[index].id == before[index].id);
        REQUIRE(after[index].name == before[index].name);
        REQUIRE(after[index].head == before[index].head);
        REQUIRE(after[index].branch == before[index].branch);
        REQUIRE(after[index].epoch == before[index].epoch);
        REQUIRE(after[index].state == before[index].state);
    }
    const auto repaired = fixture.family(fixture.guest)->checkpoints(fixture.guest.id).value();
    REQUIRE(repaired.size() == history.size());
    REQUIRE(repaired[1].tags == std::vector<std::string>{"good"});
    REQUIRE(repaired[1].time_us == history[1].time_us);
    REQUIRE(repaired[1].durable_us == 77);
    REQUIRE(fixture.at("guest", Version{1}, 0) == first_byte(1));
    REQUIRE(fixture.at("guest", Version{3}, 0) == first_byte(3));
    REQUIRE(fixture.at("guest", Version{3}, 2) == first_byte(9));
    REQUIRE(fixture.at("guest", Version{2}, 3) == std::nullopt);
    REQUIRE(fixture.at("twin", Version{4}, 0) == first_byte(70));
    REQUIRE(fixture.at("twin", Version{4}, 2) == first_byte(9));
    REQUIRE(as_text(*fixture.store->grants(fixture.guest.id)) == "a folder");
    REQUIRE(fixture.store->module(sha256_of(unit_of(5, true))).ok());
    REQUIRE(fs::exists(fixture.store->file_history_directory(fixture.guest) / "log"));
    for (const auto& [path, time] : times)
        REQUIRE(fs::last_write_time(path) == time);
}

TEST_CASE("a damaged value costs the checkpoints that see it, and no other", "[store][repair]") {
    RepairFixture fixture;
    // The second checkpoint's unit 0 is seen by it alone, and by what the fork has replaced.
    fixture.damage(fixture.database(fixture.guest.family), Bytes(unit_of(2, true)).first(64));

    const RepairReport report = fixture.repair();

    REQUIRE(report.lost.size() == 1);
    REQUIRE(report.lost[0].process == "guest");
    REQUIRE(report.lost[0].checkpoint == Version{2});
    REQUIRE(report.processes == 3);
    REQUIRE(report.checkpoints == 4);
    REQUIRE(fixture.at("guest", Version{3}, 2) == first_byte(9));
    REQUIRE(fixture.at("twin", Version{4}, 2) == first_byte(9));
    REQUIRE(fixture.family(fixture.guest)->checkpoint(Version{2}).error().code ==
            ErrorCode::not_found);
}

TEST_CASE("who stood at a lost checkpoint is set back, or gone when there is none",
          "[store][repair]") {
    RepairFixture fixture;
    fixture.damage(fixture.database(fixture.guest.family), Bytes(unit_of(3, true)).first(64));
    fixture.store.reset();
    fs::resize_file(fixture.database(fixture.others_family), 4096 * 3);

    const RepairReport report = fixture.repair();

    REQUIRE(report.set_back == std::vector<std::string>{"guest"});
    REQUIRE(report.gone == std::vector<std::string>{"other"});
    REQUIRE(report.processes == 2);
    const auto guest = fixture.store->find_process("guest").value();
    REQUIRE(guest.head == Version{2});
    REQUIRE(guest.state == ProcessState::suspended);
    // It goes on from there.
    fixture.publish(guest, {encoded(0, 4)});
    REQUIRE(fixture.at("guest", Version{5}, 0) == 4);
    REQUIRE(fixture.at("guest", Version{5}, 2) == first_byte(9));
}

TEST_CASE("processes come back without a catalogue", "[store][repair]") {
    RepairFixture fixture;
    fixture.store.reset();
    std::ofstream(fixture.root() / "catalogue" / "data.mdb", std::ios::trunc) << "nothing";

    const RepairReport report = fixture.repair();

    REQUIRE_FALSE(report.problems.empty());
    REQUIRE(report.processes == 3);
    REQUIRE(report.checkpoints == 5);
    REQUIRE(fixture.store->unit_bytes() == kTestUnitBytes);
    REQUIRE(fixture.at("twin", Version{4}, 0) == first_byte(70));
}

TEST_CASE("a repair does not write into what is there", "[store][repair]") {
    RepairFixture fixture;
    fixture.store.reset();
    const auto into = fixture.directory.path() / "new";
    fs::create_directory(into);

    const auto refused = repair_store(fixture.root(), into, fixture.random, [](std::uint64_t) {});
    const auto nothing =
        repair_store(into, fixture.directory.path() / "x", fixture.random, [](std::uint64_t) {});

    REQUIRE(refused.error().code == ErrorCode::already_exists);
    REQUIRE(nothing.error().code == ErrorCode::not_found);
    REQUIRE(fs::is_empty(into));
}
