#include "leases/console.hpp"

#include <poll.h>

#include <catch2/catch.hpp>

#include "leases/file_history.hpp"
#include "leases/stream.hpp"
#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;

namespace {

/// A host whose runner is detached.
struct DetachedHost : HostFixture {
    TemporaryFolder folder;
    std::unique_ptr<FileHistory> files = *FileHistory::open(folder.path() / "files");
    std::unique_ptr<Console> console = *Console::create();

    DetachedHost() {
        host.files = files.get();
        host.console = console.get();
        host.terminal = console.get();
    }

    [[nodiscard]] std::string log() const {
        std::ifstream file(FileHistory::log_path(folder.path() / "files"));
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

bool is_readable(int fd) {
    pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, 0) == 1;
}

/// Forgets a stream and gets it again from what was saved.
std::unique_ptr<Service> reborn(Stream& stream, const Host& host) {
    const ByteVector saved = *stream.capture();
    auto restored = *Stream::restore(saved);
    REQUIRE(restored->reacquire(host).ok());
    return restored;
}

}  // namespace

TEST_CASE("what is typed on a console is read piece by piece, an end of input once", "[leases]") {
    const DetachedHost fixture;
    const auto input = *Stream::open(0, fixture.host);
    REQUIRE_FALSE(is_readable(input->pollable_fd()));

    REQUIRE(fixture.console->type("one\n"));
    REQUIRE(fixture.console->type(""));
    REQUIRE(fixture.console->type("two\n"));

    CHECK(is_readable(input->pollable_fd()));
    CHECK(input->readable_bytes() == 4);
    CHECK(*read_text(*input, 2) == "on");
    CHECK(*read_text(*input) == "e\n");
    CHECK(read_text(*input)->empty());
    CHECK(*read_text(*input) == "two\n");
    CHECK_FALSE(is_readable(input->pollable_fd()));
}

TEST_CASE("a console takes only so much that nobody reads", "[leases]") {
    const DetachedHost fixture;
    int calls = 0;
    fixture.console->observe([&] { ++calls; });
    const auto input = *Stream::open(0, fixture.host);
    const std::string half(Console::kUnreadMax / 2, 'x');
    REQUIRE(fixture.console->type(half));
    REQUIRE(fixture.console->type(half));

    CHECK_FALSE(fixture.console->type("y"));

    CHECK(read_text(*input, 1)->size() == 1);
    CHECK(calls == 1);
    CHECK(fixture.console->type("y"));
}

TEST_CASE("output on a console is the process's log, in the order in which it is written",
          "[leases]") {
    const DetachedHost fixture;
    const auto output = *Stream::open(1, fixture.host);
    const auto error = *Stream::open(2, fixture.host);

    REQUIRE(write_text(*output, "first\n") == Errno::success);
    REQUIRE(write_text(*error, "second\n") == Errno::success);
    REQUIRE(write_text(*output, "third\n") == Errno::success);

    CHECK(fixture.log() == "first\nsecond\nthird\n");
    CHECK(output->type() == FileType::character_device);
}

TEST_CASE("a log goes back to each moment of its history", "[leases]") {
    const DetachedHost fixture;
    const auto output = *Stream::open(1, fixture.host);
    REQUIRE(write_text(*output, "one\n") == Errno::success);
    const auto first = *fixture.files->mark();
    REQUIRE(write_text(*output, "two\n") == Errno::success);
    const auto second = *fixture.files->mark();
    REQUIRE(write_text(*output, "three\n") == Errno::success);
    output->release();
    const auto brought_back = [](const Place&) { return Reach::brought_back; };

    REQUIRE(fixture.files->roll_back(first, brought_back).ok());
    CHECK(fixture.log() == "one\n");
    REQUIRE(fixture.files->roll_back(second, brought_back).ok());
    CHECK(fixture.log() == "one\ntwo\n");
}

TEST_CASE("what was typed and not read is in a checkpoint, for a console and for other streams",
          "[leases]") {
    const DetachedHost before;
    const auto input = *Stream::open(0, before.host);
    REQUIRE(before.console->type("typed"));
    REQUIRE(before.console->type(""));
    const DetachedHost detached;
    const HostFixture foreground;

    const auto on_console = reborn(*input, detached.host);
    const auto elsewhere = reborn(*input, foreground.host);

    for (const auto* restored : {&on_console, &elsewhere}) {
        auto& stream = static_cast<Stream&>(**restored);
        CHECK(*read_text(stream) == "typed");
        CHECK(read_text(stream)->empty());
    }
}

TEST_CASE("what is typed while the lease of the input is expired is in a checkpoint", "[leases]") {
    const DetachedHost fixture;
    const auto input = *Stream::open(0, fixture.host);
    REQUIRE(fixture.console->type("before "));
    REQUIRE(input->capture().ok());
    input->release();
    REQUIRE(fixture.console->type("after"));
    const DetachedHost next;

    const auto restored = reborn(*input, next.host);

    CHECK(next.console->unread() == TypedPieces{"before ", "after"});
}

TEST_CASE("an expiry repeats nothing of what was typed", "[leases]") {
    const DetachedHost fixture;
    const auto input = *Stream::open(0, fixture.host);
    REQUIRE(fixture.console->type("once"));

    REQUIRE(input->capture().ok());
    input->release();
    REQUIRE(input->reacquire(fixture.host).ok());
    const auto again = reborn(*input, fixture.host);

    CHECK(*read_text(static_cast<Stream&>(*again)) == "once");
    CHECK_FALSE(is_readable(fixture.console->readable_fd()));
}

TEST_CASE("a console keeps the mode and the size that the guest knew", "[leases]") {
    const DetachedHost before;
    const auto input = *Stream::open(0, before.host);
    auto terminal = input->terminal();
    REQUIRE(terminal.ok());
    REQUIRE((*terminal)->set_mode(TerminalMode::raw) == Errno::success);
    before.console->resize({.columns = 132, .rows = 50});
    const DetachedHost after;

    const auto restored = reborn(*input, after.host);

    const TerminalState expected{.mode = TerminalMode::raw, .size = {.columns = 132, .rows = 50}};
    CHECK(after.console->state() == expected);
}

TEST_CASE("the mode of a terminal outlasts a life without one", "[leases]") {
    const DetachedHost before;
    const auto input = *Stream::open(0, before.host);
    REQUIRE(before.console->set_mode(TerminalMode::raw) == Errno::success);
    const HostFixture without;
    const DetachedHost after;

    const auto meanwhile = reborn(*input, without.host);
    CHECK(static_cast<Stream&>(*meanwhile).terminal().error() == Errno::notty);
    const auto restored = reborn(static_cast<Stream&>(*meanwhile), after.host);

    CHECK(after.console->state().mode == TerminalMode::raw);
}

TEST_CASE("a saved stream with an impossible terminal is refused", "[leases]") {
    const DetachedHost fixture;
    const auto input = *Stream::open(0, fixture.host);
    REQUIRE(fixture.console->type("text"));
    const ByteVector saved = *input->capture();
    constexpr std::size_t kMode = 4 + 2 + 4;

    for (std::size_t at = kMode; at < kMode + 5; ++at) {
        ByteVector changed = saved;
        changed[at] = changed[at] == std::byte{0} ? std::byte{2} : std::byte{0};
        const auto restored = Stream::restore(changed);
        INFO(at);
        // The upper halves of a size may be anything.
        if (at == kMode + 2 || at == kMode + 4) {
            CHECK(restored.ok());
        } else {
            CHECK(restored.error().code == ErrorCode::corrupt);
        }
    }
}
