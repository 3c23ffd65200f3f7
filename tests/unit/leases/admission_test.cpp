#include "leases/admission.hpp"

#include <catch2/catch.hpp>

#include "leases/clock.hpp"
#include "leases/file.hpp"
#include "leases/socket.hpp"
#include "leases/stream.hpp"
#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

/// A process that began in one folder, as a checkpoint has it, and another folder to go on in.
struct AdmissionFixture : HostFixture {
    TemporaryFolder old_home;
    TemporaryFolder new_home;
    LeaseManager first{host, store::Epoch{1}};

    AdmissionFixture() { first.grant(granted(old_home)); }

    LeaseId open(const std::string& name, const OpenRequest& request) {
        return first.grant(std::move(*granted(old_home)->open(name, request)));
    }

    std::unique_ptr<LeaseManager> restored() {
        return *LeaseManager::restore(*first.capture(), host, store::Epoch{2});
    }

    [[nodiscard]] Grants granted_before() const { return grants_of(first); }
    [[nodiscard]] Grant old_directory() const {
        return {Grant::Kind::directory, old_home.name(), false};
    }
    [[nodiscard]] Grant new_directory() const {
        return {Grant::Kind::directory, new_home.name(), false};
    }
};

LeaseState state_of(const LeaseManager& leases, LeaseId id) {
    for (const Lease& lease : leases.leases()) {
        if (lease.id == id) return lease.state;
    }
    return LeaseState::lost;
}

Result<void> obtain(LeaseManager& leases, AdmissionTerms terms) {
    auto admission = TRY(Admission::prepare(leases, std::move(terms)));
    return admission.obtain();
}

}  // namespace

TEST_CASE("a process that nobody granted anything opens nothing, and is told what it wants",
          "[leases][sandbox]") {
    AdmissionFixture fixture;
    fixture.old_home.write("file", "text");
    const LeaseId file = fixture.open("file", {.read = true, .write = true});
    const auto leases = fixture.restored();

    const auto obtained = obtain(*leases, {});

    REQUIRE(obtained.error().code == ErrorCode::permission_denied);
    REQUIRE_THAT(obtained.error().message, Contains(fixture.old_home.name()) &&
                                               Contains("--dir HOST::/data") &&
                                               Contains("--grant-all"));
    REQUIRE(state_of(*leases, file) == LeaseState::expired);
}

TEST_CASE("what was granted before is had again without another word", "[leases][sandbox]") {
    AdmissionFixture fixture;
    fixture.old_home.write("file", "text");
    const LeaseId file = fixture.open("file", {.read = true});
    const auto leases = fixture.restored();
    auto admission = *Admission::prepare(*leases, {.granted = fixture.granted_before()});

    REQUIRE(admission.obtain().ok());

    REQUIRE(state_of(*leases, file) == LeaseState::reestablished);
    REQUIRE(admission.granted() == fixture.granted_before());
}

TEST_CASE("a directory takes the place of the one the guest calls so, with the files below it",
          "[leases][sandbox]") {
    AdmissionFixture fixture;
    fixture.old_home.write("file", "old");
    fixture.new_home.write("file", "new");
    const LeaseId file = fixture.open("file", {.read = true});
    const auto leases = fixture.restored();
    auto admission =
        *Admission::prepare(*leases, {.directories = {{"/data", fixture.new_home.name()}}});

    REQUIRE(admission.obtain().ok());

    REQUIRE(*read_text(static_cast<Descriptor&>(*leases->find(file))) == "new");
    Grants granted;
    granted.add(fixture.new_directory());
    REQUIRE(admission.granted() == granted);
}

TEST_CASE("a directory that the guest does not know is refused with those it knows",
          "[leases][sandbox]") {
    AdmissionFixture fixture;
    const auto leases = fixture.restored();

    const auto obtained = obtain(*leases, {.directories = {{"/other", fixture.new_home.name()}}});

    REQUIRE(obtained.error().code == ErrorCode::invalid_argument);
    REQUIRE_THAT(obtained.error().message, Contains("/other") && Contains("/data"));
}

TEST_CASE("a directory granted for reading does not do for one that is written in",
          "[leases][sandbox]") {
    AdmissionFixture fixture;
    const auto leases = fixture.restored();

    const auto obtained =
        obtain(*leases, {.directories = {{"/data", fixture.new_home.name(), true}}});

    REQUIRE(obtained.error().code == ErrorCode::permission_denied);
}

TEST_CASE("a recipe is no grant: a file in a directory that was not granted is refused",
          "[leases][sandbox]") {
    AdmissionFixture fixture;
    const TemporaryFolder secret;
    secret.write("key", "secret");
    // As in a forged image: the descriptor lies below a grant that there never was.
    const LeaseId forged =
        fixture.first.grant(std::move(*granted(secret)->open("key", {.read = true})));
    const auto leases = fixture.restored();
    Grants granted;
    granted.add(fixture.old_directory());

    const auto obtained = obtain(*leases, {.granted = granted});

    REQUIRE(obtained.error().code == ErrorCode::permission_denied);
    REQUIRE_THAT(obtained.error().message, Contains("the file " + secret.name() + "/key"));
    REQUIRE(state_of(*leases, forged) == LeaseState::expired);
}

TEST_CASE("names that lead out of a granted directory are not covered by it", "[leases][sandbox]") {
    Grants granted;
    granted.add({Grant::Kind::directory, "/srv/data", false});
    granted.add({Grant::Kind::directory, "/srv/read", true});

    REQUIRE(granted.cover({Grant::Kind::directory, "/srv/data", true}));
    REQUIRE(granted.cover({Grant::Kind::directory, "/srv/read", true}));
    REQUIRE_FALSE(granted.cover({Grant::Kind::directory, "/srv/read", false}));
    for (const char* name : {"/srv", "/srv/data/..", "/srv/data/below", "/srv/database", "/"})
        REQUIRE_FALSE(granted.cover({Grant::Kind::directory, name, false}));
    REQUIRE_FALSE(granted.cover({Grant::Kind::file, "/srv/data", false}));
}

TEST_CASE("a saved place that is not plain is refused", "[leases][sandbox]") {
    for (const char* grant : {"/srv/../etc", "/srv//data", "/srv/.", "/srv/", "srv"}) {
        ByteWriter writer;
        put(writer, Place{.grant = grant, .path = "file"});
        ByteReader reader(writer.view(), "a place");
        REQUIRE(get_place(reader).error().code == ErrorCode::corrupt);
    }
}

TEST_CASE("a device and an address are refused until they are granted", "[leases][sandbox]") {
    HostFixture fixture;
    LeaseManager first(fixture.host, store::Epoch{1});
    first.grant(std::move(*Stream::open_at(1, "/dev/null", fixture.host)));
    const auto address = (*Listener::open("127.0.0.1:0", fixture.host))->address();
    first.grant(std::move(*Listener::open(address, fixture.host)));
    const auto state = *first.capture();
    REQUIRE(first.expire_all().ok());
    auto leases = *LeaseManager::restore(state, fixture.host, store::Epoch{2});

    const auto refused = obtain(*leases, {});
    REQUIRE(refused.error().code == ErrorCode::permission_denied);
    REQUIRE_THAT(refused.error().message, Contains("/dev/null") && Contains(address));

    const AdmissionTerms terms{.addresses = {address}, .mappings = {{"/dev/null", "/dev/null"}}};
    REQUIRE(obtain(*leases, terms).ok());
}

TEST_CASE("grant-all gives what is asked for, and remembers exactly that", "[leases][sandbox]") {
    AdmissionFixture fixture;
    const auto leases = fixture.restored();
    auto admission = *Admission::prepare(*leases, {.grants_all = true});

    REQUIRE(admission.obtain().ok());

    Grants granted;
    granted.add(fixture.old_directory());
    REQUIRE(admission.granted() == granted);
}

TEST_CASE("what is optional and not granted is lost, unopened", "[leases][sandbox]") {
    AdmissionFixture fixture;
    fixture.old_home.write("file", "text");
    const LeaseId file = fixture.open("file", {.read = true});
    const auto leases = fixture.restored();

    REQUIRE(obtain(*leases, {.optional = {"directory", "file"}}).ok());

    REQUIRE(state_of(*leases, file) == LeaseState::lost);
    REQUIRE(leases->use(file).error() == Errno::io);
}

TEST_CASE("a mapping moves what was granted, and grants what it names in full",
          "[leases][sandbox]") {
    AdmissionFixture fixture;
    const std::string parent = fixture.new_home.path() / "srv";
    fs::create_directories(fs::path(parent) / "below");
    const TemporaryFolder other;
    LeaseManager first(fixture.host, store::Epoch{1});
    fs::create_directory(other.path() / "below");
    first.grant(
        *HostDirectory::grant({.grant = other.name() + "/below", .path = {}}, "/", nullptr));
    const auto state = *first.capture();
    const std::vector<Mapping> above{{other.name(), parent}};

    SECTION("granted before, it needs no more") {
        auto leases = *LeaseManager::restore(state, fixture.host, store::Epoch{2});
        REQUIRE(obtain(*leases, {.granted = grants_of(first), .mappings = above}).ok());
        REQUIRE(leases->leases()[0].description == "directory " + parent + "/below");
    }
    SECTION("a directory above what an image asks for is no grant of it") {
        auto leases = *LeaseManager::restore(state, fixture.host, store::Epoch{2});
        const auto obtained = obtain(*leases, {.mappings = above});
        REQUIRE(obtained.error().code == ErrorCode::permission_denied);
        REQUIRE_THAT(obtained.error().message, Contains(parent + "/below"));
    }
    SECTION("named in full, it is granted") {
        auto leases = *LeaseManager::restore(state, fixture.host, store::Epoch{2});
        REQUIRE(obtain(*leases, {.mappings = {{other.name() + "/below", parent}}}).ok());
    }
    SECTION("a name that nothing has is refused") {
        auto leases = *LeaseManager::restore(state, fixture.host, store::Epoch{2});
        const auto obtained = obtain(*leases, {.mappings = {{"/nowhere", parent}}});
        REQUIRE(obtained.error().code == ErrorCode::invalid_argument);
        REQUIRE_THAT(obtained.error().message, Contains("/nowhere"));
    }
}

TEST_CASE("one file is mapped alone", "[leases][sandbox]") {
    AdmissionFixture fixture;
    fixture.old_home.write("file", "old");
    fixture.new_home.write("other", "new");
    const LeaseId file = fixture.open("file", {.read = true});
    const auto leases = fixture.restored();

    const AdmissionTerms terms{
        .granted = fixture.granted_before(),
        .mappings = {{fixture.old_home.name() + "/file", fixture.new_home.name() + "/other"}}};
    REQUIRE(obtain(*leases, terms).ok());

    REQUIRE(*read_text(static_cast<Descriptor&>(*leases->find(file))) == "new");
}

TEST_CASE("what is required and not there refuses the resume, before anything is touched",
          "[leases]") {
    AdmissionFixture fixture;
    fixture.old_home.write("log", "text");
    fixture.old_home.write("gone", "text");
    const LeaseId log = fixture.open("log", {.write = true, .flags = kAppend});
    const LeaseId gone = fixture.open("gone", {.read = true});
    const auto leases = fixture.restored();
    fs::remove(fixture.old_home.path() / "gone");

    const auto obtained = obtain(*leases, {.granted = fixture.granted_before()});

    REQUIRE(obtained.error().code == ErrorCode::not_found);
    REQUIRE_THAT(obtained.error().message,
                 Contains("gone") && Contains("--map") && Contains("--optional"));
    REQUIRE(state_of(*leases, log) == LeaseState::expired);

    const AdmissionTerms terms{.granted = fixture.granted_before(),
                               .optional = {fixture.old_home.name() + "/gone"}};
    REQUIRE(obtain(*leases, terms).ok());
    REQUIRE(state_of(*leases, log) == LeaseState::reestablished);
    REQUIRE(state_of(*leases, gone) == LeaseState::lost);
}

TEST_CASE("a file that is not what the checkpoint saw refuses the resume, or is lost", "[leases]") {
    AdmissionFixture fixture;
    fixture.old_home.write("log", "text");
    const LeaseId log = fixture.open("log", {.write = true, .flags = kAppend});
    const auto leases = fixture.restored();
    fixture.old_home.write("log", "text that came later");

    const auto obtained = obtain(*leases, {.granted = fixture.granted_before()});

    REQUIRE_THAT(obtained.error().message,
                 Contains("has 20 bytes, at the checkpoint it had 4") && Contains("--on-resume"));
    REQUIRE(obtain(*leases, {.granted = fixture.granted_before(), .optional = {"file"}}).ok());
    REQUIRE(state_of(*leases, log) == LeaseState::lost);
    REQUIRE(fixture.old_home.read("log") == "text that came later");
}

TEST_CASE("what a roll-back will bring back is not looked for before it", "[leases]") {
    AdmissionFixture fixture;
    fixture.old_home.write("log", "text");
    fixture.new_home.write("log", "text and more");
    fixture.open("log", {.write = true, .flags = kAppend});
    const auto leases = fixture.restored();
    fs::remove(fixture.old_home.path() / "log");
    AdmissionTerms terms{.granted = fixture.granted_before()};

    SECTION("where it was") {
        const auto admission = *Admission::prepare(*leases, terms);

        const auto before = admission.examine(&Place::is_brought_back);
        const auto after = admission.examine();

        REQUIRE(admission.check(before).ok());
        REQUIRE(admission.check(after).error().code == ErrorCode::not_found);
    }
    SECTION("but where it has moved, of which no history knows") {
        terms.directories = {{"/data", fixture.new_home.name()}};
        const auto admission = *Admission::prepare(*leases, terms);

        const auto before = admission.examine(&Place::is_brought_back);

        REQUIRE_THAT(admission.check(before).error().message, Contains("has 13 bytes"));
    }
    SECTION("though its directory is") {
        fs::remove_all(fixture.old_home.path());
        const auto admission = *Admission::prepare(*leases, terms);

        const auto before = admission.examine(&Place::is_brought_back);

        REQUIRE(admission.check(before).error().code == ErrorCode::not_found);
    }
}

TEST_CASE("what cannot come back keeps no process from going on", "[leases]") {
    AdmissionFixture fixture;
    fixture.old_home.write("file", "text");
    const LeaseId file = fixture.open("file", {.read = true});
    auto leases = fixture.restored();
    leases->lose(file, "it was lost before");
    leases = *LeaseManager::restore(*leases->capture(), fixture.host, store::Epoch{3});

    auto admission = *Admission::prepare(*leases, {.granted = fixture.granted_before()});
    const auto outlooks = admission.examine();

    REQUIRE(outlooks.size() == 2);
    REQUIRE_FALSE(outlooks[1].is_required);
    REQUIRE_FALSE(outlooks[1].is_available());
    REQUIRE(admission.check(outlooks).ok());
    REQUIRE(state_of(*leases, outlooks[0].lease.id) == LeaseState::expired);
}

TEST_CASE(
    "grants are kept and read back, and what was cut off or changed is an error or other grants",
    "[leases]") {
    Grants grants;
    grants.add({Grant::Kind::directory, "/srv", false});
    grants.add({Grant::Kind::file, "/srv/in", true});
    grants.add({Grant::Kind::address, "[::1]:80", false});
    const ByteVector kept = grants.encode();

    REQUIRE(*Grants::decode(kept) == grants);
    for (std::size_t length = 0; length < kept.size(); ++length)
        REQUIRE_FALSE(Grants::decode(Bytes(kept).first(length)).ok());
    for (std::size_t i = 0; i < kept.size() * 8; ++i) {
        ByteVector changed = kept;
        changed[i / 8] ^= static_cast<std::byte>(1U << (i % 8));
        const auto decoded = Grants::decode(changed);
        if (decoded.ok()) REQUIRE(*Grants::decode(decoded->encode()) == *decoded);
    }
}

TEST_CASE("a name is moved by the nearest mapping above it", "[leases]") {
    Relocation relocation;
    REQUIRE(relocation.add({"/home/a", "/home/b"}).ok());
    REQUIRE(relocation.add({"/home/a/deep", "/srv"}).ok());
    REQUIRE(relocation.add({"/exact", "/other", false}).ok());
    REQUIRE(relocation.add({"127.0.0.1:80", "127.0.0.1:81", false}).ok());

    REQUIRE(relocation.moved("/home/a") == "/home/b");
    REQUIRE(relocation.moved("/home/a/x") == "/home/b/x");
    REQUIRE(relocation.moved("/home/a/deep/x") == "/srv/x");
    REQUIRE(relocation.moved("127.0.0.1:80") == "127.0.0.1:81");
    for (const char* name : {"/home", "/home/ab", "/exact/x", "127.0.0.1:8080"})
        REQUIRE_FALSE(relocation.moved(name));
    REQUIRE(relocation.add({"/home/a", "/elsewhere"}).error().code == ErrorCode::invalid_argument);

    Relocation root;
    REQUIRE(root.add({"/", "/mnt"}).ok());
    REQUIRE(root.moved("/srv/x") == "/mnt/srv/x");
}
