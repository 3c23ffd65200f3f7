#include "leases/stream.hpp"

#include <signal.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/lease_fixture.hpp"

using namespace sojourn;
using namespace sojourn::leases;
using namespace sojourn::test;

namespace {

/// Standard input and output as the near ends of two pipes.
struct StreamFixture : HostFixture {
    SystemClock system_clock;
    UniqueFd input, input_far, output, output_far;
    Host host_with_pipes{.clock = system_clock, .random = random, .interrupt = *interrupt};

    StreamFixture() {
        ::signal(SIGPIPE, SIG_IGN);
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        input = UniqueFd(ends[0]);
        input_far = UniqueFd(ends[1]);
        REQUIRE(::pipe(ends) == 0);
        output = UniqueFd(ends[1]);
        output_far = UniqueFd(ends[0]);
        host_with_pipes.streams = {input.get(), output.get(), output.get()};
    }

    std::unique_ptr<Stream> open(std::uint32_t number) const {
        return *Stream::open(number, host_with_pipes);
    }
};

}  // namespace

TEST_CASE("a stream reads what has arrived and writes straight through", "[leases]") {
    const StreamFixture fixture;
    REQUIRE(::write(fixture.input_far.get(), "hello", 5) == 5);
    const auto input = fixture.open(0);
    const auto output = fixture.open(1);

    REQUIRE(input->readable_bytes() == 5);
    REQUIRE(*read_text(*input) == "hello");
    REQUIRE(write_text(*output, "world") == Errno::success);

    char text[10];
    REQUIRE(::read(fixture.output_far.get(), text, sizeof(text)) == 5);
}

TEST_CASE("an interrupt ends the wait for input, and nothing is lost", "[leases]") {
    const StreamFixture fixture;
    const auto input = fixture.open(0);
    std::thread raiser([&] { fixture.interrupt->raise(); });

    REQUIRE(read_text(*input).error() == Errno::intr);

    raiser.join();
    fixture.interrupt->clear();
    REQUIRE(::write(fixture.input_far.get(), "late", 4) == 4);
    REQUIRE(*read_text(*input) == "late");
}

TEST_CASE("an interrupt ends the wait for a full pipe", "[leases]") {
    const StreamFixture fixture;
    const auto output = fixture.open(1);
    fixture.interrupt->raise();

    Errno last = Errno::success;
    std::size_t written = 0;
    while (last == Errno::success) {
        last = write_text(*output, std::string(4096, 'x'));
        written += last == Errno::success ? 4096 : 0;
    }

    REQUIRE(last == Errno::intr);
    REQUIRE(written > 0);
}

TEST_CASE("a raised interrupt does not keep what is ready from the guest", "[leases]") {
    const StreamFixture fixture;
    const auto input = fixture.open(0);
    REQUIRE(::write(fixture.input_far.get(), "ready", 5) == 5);
    fixture.interrupt->raise();

    REQUIRE(*read_text(*input) == "ready");
}

TEST_CASE("a stream that must not wait says so", "[leases]") {
    const StreamFixture fixture;
    const auto input = fixture.open(0);
    REQUIRE(input->set_flags(kNonBlocking) == Errno::success);

    REQUIRE(read_text(*input).error() == Errno::again);
}

TEST_CASE("a closed pipe is an error of the write, and the end of what is read", "[leases]") {
    StreamFixture fixture;
    const auto input = fixture.open(0);
    const auto output = fixture.open(1);
    fixture.input_far = UniqueFd();
    fixture.output_far = UniqueFd();

    REQUIRE(*read_text(*input) == "");
    REQUIRE(write_text(*output, "x") == Errno::pipe);
}

TEST_CASE("a stream is the new runner's after a resume", "[leases]") {
    const StreamFixture first;
    const StreamFixture second;
    const auto output = first.open(1);
    auto restored = restore_service(ServiceKind::stream, *output->capture());
    REQUIRE((*restored)->reacquire(second.host_with_pipes).ok());

    REQUIRE(write_text(static_cast<Stream&>(**restored), "here") == Errno::success);

    char text[10];
    REQUIRE(::read(second.output_far.get(), text, sizeof(text)) == 4);
}

TEST_CASE("a regular file as a stream is a file, and a device is opened again by its name",
          "[leases]") {
    StreamFixture fixture;
    const TemporaryFolder folder;
    folder.write("in", "input");

    auto input = Stream::open_at(0, folder.name() + "/in", fixture.host_with_pipes);
    REQUIRE((*input)->kind() == ServiceKind::file);
    REQUIRE(*read_text(**input, 2) == "in");
    auto output = Stream::open_at(1, folder.name() + "/out", fixture.host_with_pipes);
    REQUIRE(write_text(**output, "text") == Errno::success);
    REQUIRE(folder.read("out") == "text");

    auto nowhere = Stream::open_at(1, "/dev/null", fixture.host_with_pipes);
    REQUIRE((*nowhere)->kind() == ServiceKind::stream);
    REQUIRE(write_text(**nowhere, "text") == Errno::success);
    auto again = *Stream::restore(*(*nowhere)->capture());
    REQUIRE(again->reacquire(fixture.host_with_pipes).ok());
    REQUIRE(write_text(static_cast<Descriptor&>(*again), "text") == Errno::success);
    REQUIRE(Stream::open_at(0, folder.name() + "/none", fixture.host_with_pipes).error().code ==
            ErrorCode::not_found);
}
