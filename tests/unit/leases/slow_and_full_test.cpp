#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "leases/console.hpp"
#include "leases/file_history.hpp"
#include "leases/stream.hpp"
#include "tests/support/file_size_limit.hpp"
#include "tests/support/lease_fixture.hpp"

/// Services that stall, and services that have no room: an errno, no crash and no hang.
using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;

namespace {

std::string fifo_in(const TemporaryFolder& folder) {
    const std::string path = folder.path() / "fifo";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    return path;
}

/// Writes until it can't, and gives that errno.
Errno write_until_refused(Descriptor& descriptor, std::size_t& written) {
    const std::string piece(4096, 'x');
    for (;;) {
        std::string text = piece;
        const iovec buffer = buffer_of(text);
        auto count = descriptor.write({&buffer, 1}, Waiting::allowed);
        if (!count.ok()) return count.error();
        written += *count;
    }
}

}  // namespace

TEST_CASE("a pipe by name whose reader stalls is waited for, until an interrupt", "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    const std::string path = fifo_in(folder);
    const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const auto output = *Stream::open_at(1, path, fixture.host);
    fixture.interrupt->raise();

    std::size_t written = 0;
    CHECK(write_until_refused(*output, written) == Errno::intr);

    // What was taken is there, and the rest is written once the reader goes on.
    std::string taken(written + 1, ' ');
    REQUIRE(::read(reader.get(), taken.data(), taken.size()) == static_cast<ssize_t>(written));
    fixture.interrupt->clear();
    CHECK(write_text(*output, "more") == Errno::success);
}

TEST_CASE("a pipe by name whose writer stalls is waited for, until an interrupt", "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    const std::string path = fifo_in(folder);
    const UniqueFd both(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    const auto input = *Stream::open_at(0, path, fixture.host);
    fixture.interrupt->raise();
    REQUIRE(read_text(*input).error() == Errno::intr);

    fixture.interrupt->clear();
    REQUIRE(::write(both.get(), "late", 4) == 4);

    CHECK(*read_text(*input) == "late");
}

TEST_CASE("a pipe by name that nobody reads at a resume is an error, and nobody waits",
          "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    const std::string path = fifo_in(folder);
    UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    const auto output = *Stream::open_at(1, path, fixture.host);
    REQUIRE(output->capture().ok());
    output->release();
    reader = UniqueFd();

    CHECK_FALSE(output->reacquire(fixture.host).ok());
}

TEST_CASE("a device without room is nospc", "[leases]") {
    HostFixture fixture;
    const auto output = *Stream::open_at(1, "/dev/full", fixture.host);

    CHECK(write_text(*output, "x") == Errno::nospc);
}

TEST_CASE("a file and a log that can't grow answer an errno, and take more when they can again",
          "[leases]") {
    HostFixture fixture;
    const TemporaryFolder folder;
    const auto files = *FileHistory::open(folder.path() / "files");
    const auto console = *Console::create();
    fixture.host.files = files.get();
    fixture.host.console = console.get();
    fixture.host.terminal = console.get();
    const auto file = *Stream::open_at(1, folder.path() / "file", fixture.host);
    const auto log = *Stream::open(1, fixture.host);
    constexpr std::uint64_t kRoom = 64U << 10U;

    for (Descriptor* full : {file.get(), static_cast<Descriptor*>(log.get())}) {
        std::size_t written = 0;
        {
            const tests::FileSizeLimit limit(kRoom);
            CHECK(write_until_refused(*full, written) == Errno::fbig);
        }
        CHECK(written == kRoom);
        CHECK(write_text(*full, "more") == Errno::success);
    }
}
