#include <cstdlib>
#include <functional>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "leases/clock.hpp"
#include "leases/random.hpp"
#include "leases/socket.hpp"
#include "leases/stream.hpp"
#include "tests/support/lease_fixture.hpp"

/// What becomes of a lease of each kind when its service is not what it was.
using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;
namespace fs = std::filesystem;

namespace {

/// For its life, without the rights of root.
class AsNobody {
public:
    AsNobody() {
        constexpr uid_t kNobody = 65534;
        if (was_root_) REQUIRE(::seteuid(kNobody) == 0);
    }
    ~AsNobody() {
        if (was_root_ && ::seteuid(0) != 0) std::abort();
    }
    AsNobody(const AsNobody&) = delete;
    AsNobody& operator=(const AsNobody&) = delete;

private:
    bool was_root_ = ::geteuid() == 0;
};

struct KindsFixture : HostFixture {
    TemporaryFolder folder;
    LeaseManager manager{host, store::Epoch{1}};
    fs::path data = folder.path() / "data";
    fs::path pipe = folder.path() / "pipe";

    KindsFixture() {
        fs::create_directory(data);
        folder.write("data/file", "some text");
        REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    }

    LeaseId directory() {
        return manager.grant(*HostDirectory::grant({.grant = data, .path = {}}, "/", nullptr));
    }
    LeaseId file() {
        const auto grant = *HostDirectory::grant({.grant = data, .path = {}}, "/", nullptr);
        return manager.grant(std::move(*grant->open("file", {.read = true, .write = true})));
    }
    LeaseId stream() { return manager.grant(*Stream::open_at(0, pipe, host)); }

    /// What a use answers after the lease has expired and `disturb` was done.
    Errno use_after(LeaseId id, const std::function<void()>& disturb) {
        REQUIRE(manager.use(id).ok());
        REQUIRE(manager.expire(id).ok());
        disturb();
        const Errno error = manager.use(id).error();
        // Lost for good: the guest has been told.
        REQUIRE(manager.use(id).error() == error);
        return error;
    }
};

}  // namespace

TEST_CASE("a service that is gone is an errno of its kind", "[leases][kinds]") {
    KindsFixture fixture;
    const auto remove_all = [&] { fs::remove_all(fixture.folder.path()); };

    SECTION("directory") {
        REQUIRE(fixture.use_after(fixture.directory(), remove_all) == Errno::stale);
    }
    SECTION("file") {
        REQUIRE(fixture.use_after(fixture.file(), remove_all) == Errno::io);
    }
    SECTION("stream") {
        REQUIRE(fixture.use_after(fixture.stream(), remove_all) == Errno::io);
    }
}

TEST_CASE("a service that has become something else is an errno of its kind", "[leases][kinds]") {
    KindsFixture fixture;

    SECTION("directory") {
        REQUIRE(fixture.use_after(fixture.directory(), [&] {
            fs::remove_all(fixture.data);
            fixture.folder.write("data", "a file now");
        }) == Errno::stale);
    }
    SECTION("file") {
        REQUIRE(fixture.use_after(fixture.file(), [&] {
            fs::remove(fixture.data / "file");
            fs::create_directory(fixture.data / "file");
        }) == Errno::io);
    }
    SECTION("file, a pipe by now") {
        REQUIRE(fixture.use_after(fixture.file(), [&] {
            fs::remove(fixture.data / "file");
            REQUIRE(::mkfifo((fixture.data / "file").c_str(), 0600) == 0);
        }) == Errno::io);
    }
    SECTION("file, a link that leads out by now") {
        fixture.folder.write("secret", "text");
        REQUIRE(fixture.use_after(fixture.file(), [&] {
            fs::remove(fixture.data / "file");
            fs::create_symlink("../secret", fixture.data / "file");
        }) == Errno::io);
    }
}

TEST_CASE("a link that a guest has put above its grant or stream leads nowhere",
          "[leases][kinds][sandbox]") {
    KindsFixture fixture;
    fixture.folder.write("secret", "text");
    fs::create_directory(fixture.folder.path() / "other");
    fixture.folder.write("other/file", "text");

    SECTION("directory") {
        REQUIRE(fixture.use_after(fixture.directory(), [&] {
            fs::remove_all(fixture.data);
            fs::create_symlink("other", fixture.data);
        }) == Errno::stale);
    }
    SECTION("file") {
        REQUIRE(fixture.use_after(fixture.file(), [&] {
            fs::remove_all(fixture.data);
            fs::create_symlink("other", fixture.data);
        }) == Errno::io);
    }
    SECTION("stream") {
        REQUIRE(fixture.use_after(fixture.stream(), [&] {
            fs::remove(fixture.pipe);
            fs::create_symlink("/etc/hostname", fixture.pipe);
        }) == Errno::io);
    }
}

TEST_CASE("a service that may not be had any more is an errno of its kind", "[leases][kinds]") {
    KindsFixture fixture;
    std::optional<AsNobody> nobody;
    const auto forbid = [&] {
        REQUIRE(::chmod(fixture.folder.name().c_str(), 0) == 0);
        nobody.emplace();
    };

    SECTION("directory") {
        REQUIRE(fixture.use_after(fixture.directory(), forbid) == Errno::stale);
    }
    SECTION("file") {
        REQUIRE(fixture.use_after(fixture.file(), forbid) == Errno::io);
    }
    SECTION("stream") {
        REQUIRE(fixture.use_after(fixture.stream(), forbid) == Errno::io);
    }
    nobody.reset();
    REQUIRE(::chmod(fixture.folder.name().c_str(), 0700) == 0);
}

TEST_CASE("an address that somebody else has by now is an errno", "[leases][kinds][socket]") {
    KindsFixture fixture;
    auto listener = *Listener::open("127.0.0.1:0", fixture.host);
    const std::string address = listener->address();
    const LeaseId id = fixture.manager.grant(std::move(listener));
    std::unique_ptr<Listener> other;

    const Errno error =
        fixture.use_after(id, [&] { other = *Listener::open(address, fixture.host); });

    REQUIRE(error == Errno::io);
}

TEST_CASE("a stream that is the runner's own, a clock and random bytes always come back",
          "[leases][kinds]") {
    KindsFixture fixture;
    const LeaseId stream = fixture.manager.grant(*Stream::open(1, fixture.host));
    const LeaseId random = fixture.manager.grant(RandomService::open(fixture.host, 7));
    const LeaseId clock = fixture.manager.grant(ClockService::open(fixture.host));
    fixture.clock.monotonic += 100;

    REQUIRE(fixture.manager.expire_all().ok());
    fixture.clock.monotonic += 50;

    for (const LeaseId id : {stream, random, clock})
        REQUIRE(fixture.manager.use(id).ok());
    // The guest's time went on while nobody looked at it.
    auto& guest_clock = static_cast<ClockService&>(*fixture.manager.find(clock));
    REQUIRE(guest_clock.monotonic_ns() == 150);
}

TEST_CASE("a file goes on where it was when its lease is had again in the same life",
          "[leases][kinds]") {
    KindsFixture fixture;
    const LeaseId id = fixture.file();
    auto& file = static_cast<Descriptor&>(**fixture.manager.use(id));
    REQUIRE(*read_text(file, 5) == "some ");
    REQUIRE(write_text(file, "more") == Errno::success);

    REQUIRE(fixture.manager.expire(id).ok());
    // Nothing was rolled back: nothing of it was written twice.
    fixture.folder.write("data/file", "some more and more");

    REQUIRE(fixture.manager.use(id).ok());
    REQUIRE(*read_text(file) == " and more");
    REQUIRE(fixture.folder.read("data/file") == "some more and more");
}
