#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/checkpoint/tcp_peer.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

/// The guest `keeper`, which holds two files and does what it is told.
class Keeper {
public:
    Keeper() : program_(guest("keeper")) {
        std::ofstream(fixture.work() / "input") << "one two three four";
    }

    [[nodiscard]] bool is_there() const { return program_.has_value(); }

    VmProcess start(std::vector<std::string> options = {}) {
        options.insert(options.begin(), {"run", "--name", "job", "--dir", grant()});
        options.push_back(*program_);
        return start_with(options);
    }
    VmProcess resume(std::vector<std::string> options = {}) {
        options.insert(options.begin(), "resume");
        options.emplace_back("job");
        return start_with(options);
    }
    VmProcess start_with(const std::vector<std::string>& arguments) {
        VmOptions options = fixture.options();
        options.standard_input = input_.reader();
        return {arguments, options};
    }
    [[nodiscard]] std::string grant() const { return fixture.work().string() + "::/"; }
    void say(const std::string& line) const { input_.write(line + "\n"); }

    /// What the runner has printed once it has answered `line`.
    std::string ask(const VmProcess& runner, const std::string& line) const {
        const std::string before = runner.out();
        say(line);
        await("an answer to " + line, [&] {
            const std::string now = runner.out();
            return now.size() > before.size() && now.ends_with('\n');
        });
        return runner.out().substr(before.size());
    }

    void suspend(VmProcess& runner) const {
        await_output(runner, "ready");
        const VmResult result = fixture.run({"suspend", "job"});
        CAPTURE(result.err);
        REQUIRE(result.exit_code == 0);
        runner.wait();
    }
    /// Suspended in a read of its standard input, and carried to `other` as an image.
    void move_to(const ProcessFixture& other) {
        VmProcess runner = start();
        suspend(runner);
        const std::string image = fixture.folder() / "job.image";
        REQUIRE(fixture.run({"export", "job", "-o", image}).exit_code == 0);
        REQUIRE(other.run({"import", image}).exit_code == 0);
    }

    /// The row of the first lease of that kind in `vm leases`.
    [[nodiscard]] nlohmann::json lease(const std::string& kind) const {
        const auto answer = fixture.run_json({"leases", "job"});
        for (const auto& row : answer["leases"]) {
            if (row["kind"] == kind) return row;
        }
        return nullptr;
    }

    ProcessFixture fixture;

private:
    std::optional<std::string> program_;
    InputPipe input_;
};

}  // namespace

TEST_CASE("an image reaches nothing on a host whose user granted nothing", "[leases][sandbox]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    const ProcessFixture there;
    keeper.move_to(there);
    const auto log_before = read_text(keeper.fixture.work() / "log");

    const VmResult refused = there.run({"resume", "job"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains("permission denied") &&
                                  Contains(keeper.fixture.work().string()) &&
                                  Contains("--dir HOST::/"));
    REQUIRE(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
    REQUIRE(there.row_of("job")["state"] == "suspended");
    REQUIRE(read_text(keeper.fixture.work() / "log") == log_before);
}

TEST_CASE("an image goes on with a directory of the new host, and needs no second word",
          "[leases][sandbox]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    const ProcessFixture there;
    keeper.move_to(there);
    for (const char* name : {"log", "input"})
        fs::copy_file(keeper.fixture.work() / name, there.work() / name);
    keeper.say("append here");

    VmOptions options = there.options();
    const InputPipe input;
    input.write("append here\n");
    options.standard_input = input.reader();
    VmProcess runner({"resume", "--dir", there.work().string() + "::/", "job"}, options);
    await_output(runner, "appended");

    REQUIRE(read_text(there.work() / "log") == "here\n");
    REQUIRE(read_text(keeper.fixture.work() / "log").empty());
    REQUIRE(there.run({"suspend", "job"}).exit_code == 0);
    runner.wait();
    input.write("quit\n");
    REQUIRE(vm({"resume", "job"}, options).exit_code == 0);
}

TEST_CASE("a dry run tells what an image wants, changes nothing, and names the remedy",
          "[leases][sandbox]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    const ProcessFixture there;
    keeper.move_to(there);
    const auto before = there.row_of("job");

    const auto wanted = there.run_json({"resume", "--dry-run", "job"});
    const VmResult granted = there.run({"resume", "--dry-run", "--grant-all", "job"});
    const VmResult refused = there.run({"resume", "--dry-run", "job"});

    REQUIRE(wanted["resumable"] == false);
    REQUIRE(wanted["leases"][3]["kind"] == "directory");
    REQUIRE(wanted["leases"][3]["required"] == true);
    REQUIRE(wanted["leases"][3]["available"] == false);
    REQUIRE(wanted["leases"][0]["available"] == true);
    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.out, Contains("missing") && Contains("is not granted"));
    CAPTURE(granted.err);
    REQUIRE(granted.exit_code == 0);
    REQUIRE(there.row_of("job") == before);
    REQUIRE(there.run({"resume", "job"}).exit_code == 125);
}

TEST_CASE("what a process was given at its start moves with --map", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess first = keeper.start();
    keeper.suspend(first);
    const fs::path moved = keeper.fixture.folder() / "moved";
    fs::rename(keeper.fixture.work(), moved);

    const VmResult refused = keeper.fixture.run({"resume", "job"});
    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains("--map OLD=NEW"));

    const std::string mapping = keeper.fixture.work().string() + "=" + moved.string();
    VmProcess second = keeper.resume({"--map", mapping});
    REQUIRE(keeper.ask(second, "append moved") == "appended\n");
    REQUIRE(read_text(moved / "log") == "moved\n");
}

TEST_CASE("after a move nothing below the old directory is touched, for good", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess first = keeper.start();
    await_output(first, "ready");
    REQUIRE(keeper.fixture.run({"checkpoint", "job"}).exit_code == 0);
    REQUIRE(keeper.ask(first, "append before") == "appended\n");
    first.send(SIGKILL);
    first.wait();
    const fs::path here = keeper.fixture.work();
    const fs::path there = keeper.fixture.folder() / "there";
    fs::create_directory(there);
    fs::copy_file(here / "input", there / "input");
    std::ofstream(there / "log").close();

    VmProcess second = keeper.resume({"--dir", there.string() + "::/"});
    REQUIRE(keeper.ask(second, "append moved") == "appended\n");
    second.send(SIGKILL);
    second.wait();
    const VmResult refused = keeper.fixture.run({"resume", "job"});

    REQUIRE(read_text(here / "log") == "before\n");
    REQUIRE(read_text(there / "log") == "moved\n");
    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains(here.string()) && Contains("was kept as it was") &&
                                  Contains("--on-resume keep"));
}

TEST_CASE("what the history of a process will bring back is available to a dry run, untouched",
          "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess runner = keeper.start();
    await_output(runner, "ready");
    REQUIRE(keeper.fixture.run({"checkpoint", "job"}).exit_code == 0);
    REQUIRE(keeper.ask(runner, "append more") == "appended\n");
    runner.send(SIGKILL);
    runner.wait();

    const auto found = keeper.fixture.run_json({"resume", "--dry-run", "job"});
    const auto kept =
        keeper.fixture.run_json({"resume", "--dry-run", "--on-resume", "keep", "job"});

    REQUIRE(found["resumable"] == true);
    REQUIRE(kept["resumable"] == true);
    REQUIRE(read_text(keeper.fixture.work() / "log") == "more\n");
    VmProcess again = keeper.resume();
    REQUIRE(keeper.ask(again, "append other") == "appended\n");
    REQUIRE(read_text(keeper.fixture.work() / "log") == "other\n");
}

TEST_CASE("a dry run tells which file is not as its process left it", "[leases]") {
    const bool was_killed = GENERATE(false, true);
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess runner = keeper.start();
    await_output(runner, "ready");
    REQUIRE(keeper.ask(runner, "append some") == "appended\n");
    if (was_killed) {
        REQUIRE(keeper.fixture.run({"checkpoint", "job"}).exit_code == 0);
        REQUIRE(keeper.ask(runner, "append more") == "appended\n");
        runner.send(SIGKILL);
    } else {
        REQUIRE(keeper.fixture.run({"suspend", "job"}).exit_code == 0);
    }
    runner.wait();
    const std::string log = keeper.fixture.work() / "log";
    const std::string left = read_text(log);
    REQUIRE(keeper.fixture.run_json({"resume", "--dry-run", "job"})["resumable"] == true);
    std::ofstream(log, std::ios::app) << "somebody else's";

    const VmResult examined = keeper.fixture.run({"resume", "--dry-run", "--json", "job"});
    const VmResult refused = keeper.fixture.run({"resume", "job"});

    const auto found = nlohmann::json::parse(examined.out);
    REQUIRE(examined.exit_code == 125);
    REQUIRE(refused.exit_code == 125);
    REQUIRE(found["resumable"] == false);
    for (const auto& lease : found["leases"]) {
        const bool is_log = lease["service"].get<std::string>().find(log) != std::string::npos;
        CAPTURE(lease.dump());
        REQUIRE(lease["available"].get<bool>() != is_log);
        if (is_log) REQUIRE_THAT(refused.err, Contains(lease["why"].get<std::string>()));
    }
    REQUIRE(read_text(log) == left + "somebody else's");
}

TEST_CASE("a port that somebody has is told before any file goes back", "[leases][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const fs::path output = fixture.work() / "output";
    const std::string address = "127.0.0.1:" + std::to_string(free_port());
    VmProcess first = fixture.start(
        {"run", "--name", "echo", "--tcp-listen", address, "--stdout", output.string(), *program});
    await("the guest", [&] { return !read_text(output).empty(); });
    REQUIRE(fixture.run({"suspend", "echo"}).exit_code == 0);
    first.wait();
    std::ofstream(output, std::ios::app) << "somebody else's";
    const ProcessFixture other;
    VmProcess squatter = other.start({"run", "--name", "other", "--tcp-listen", address, *program});
    await_output(squatter, "ready");

    const VmResult refused = fixture.run({"resume", "echo"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains(address) && !Contains(output.native()));
    REQUIRE_THAT(read_text(output), Contains("somebody else's"));
}

TEST_CASE("a listener's address moves with --map, and a taken one is named", "[leases][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string old_address = "127.0.0.1:" + std::to_string(free_port());
    VmProcess first =
        fixture.start({"run", "--name", "echo", "--tcp-listen", old_address, *program});
    await_output(first, "ready");
    REQUIRE(fixture.run({"suspend", "echo"}).exit_code == 0);
    first.wait();
    // Somebody else has the port by now.
    const ProcessFixture other;
    VmProcess squatter =
        other.start({"run", "--name", "other", "--tcp-listen", old_address, *program});
    await_output(squatter, "ready");

    const VmResult refused = fixture.run({"resume", "echo"});
    const std::uint16_t port = free_port();
    const std::string mapping = old_address + "=127.0.0.1:" + std::to_string(port);
    VmProcess second = fixture.start({"resume", "--map", mapping, "echo"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains(old_address) && Contains("--map"));
    const TcpPeer peer(port);
    peer.say("quit");
    REQUIRE(second.wait().exit_code == 0);
}

TEST_CASE("leases are listed while a process runs and while it is suspended", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess runner = keeper.start({"--lease-ttl", "file=1h"});
    await_output(runner, "ready");

    const auto file = keeper.lease("file");
    const auto directory = keeper.lease("directory");

    CHECK(file["state"] == "granted");
    CHECK(file["ttl_us"] == 3'600'000'000);
    CHECK(file["remaining_us"] > 0);
    CHECK(file["epoch"] == 1);
    CHECK(file["service"].get<std::string>().find("log (append)") != std::string::npos);
    CHECK(directory["ttl_us"].is_null());

    keeper.suspend(runner);
    CHECK(keeper.lease("file")["state"] == "expired");
    CHECK(keeper.lease("file")["remaining_us"].is_null());
    const VmResult table = keeper.fixture.run({"leases", "job@1"});
    CHECK_THAT(table.out, Contains("listening") || Contains("standard input"));
    CHECK(keeper.fixture.run({"leases", "nobody"}).exit_code == 125);
}

TEST_CASE("a lease that is expired under a blocked guest is had again by its next use",
          "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess runner = keeper.start();
    await_output(runner, "ready");
    REQUIRE(keeper.ask(runner, "append first") == "appended\n");

    REQUIRE(keeper.fixture.run({"lease", "expire", "job", "--all"}).exit_code == 0);
    REQUIRE(keeper.lease("file")["state"] == "expired");

    REQUIRE(keeper.ask(runner, "append second") == "appended\n");
    REQUIRE(keeper.lease("file")["state"] == "reestablished");
    REQUIRE(read_text(keeper.fixture.work() / "log") == "first\nsecond\n");
    const std::string id = keeper.lease("directory")["id"].dump();
    REQUIRE(keeper.lease("directory")["state"] == "expired");
    REQUIRE(keeper.fixture.run({"lease", "renew", "job", id}).exit_code == 0);
    REQUIRE(keeper.lease("directory")["state"] == "reestablished");
}

TEST_CASE("expiring a lease that is not there is refused by its number", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess runner = keeper.start();
    await_output(runner, "ready");

    const VmResult unknown = keeper.fixture.run({"lease", "expire", "job", "4711"});
    const VmResult none = keeper.fixture.run({"lease", "expire", "job"});

    REQUIRE(unknown.exit_code == 125);
    REQUIRE_THAT(unknown.err, Contains("4711") && Contains("vm leases"));
    REQUIRE(none.exit_code == 125);
    REQUIRE_THAT(none.err, Contains("--all"));
}

TEST_CASE("a time for a kind that there is not is refused with those there are", "[leases]") {
    const ProcessFixture fixture;

    const VmResult unknown = fixture.run({"run", "--lease-ttl", "fiel=1s", "samples/hello.wasm"});
    const VmResult timeless = fixture.run({"run", "--lease-ttl", "file", "samples/hello.wasm"});

    REQUIRE(unknown.exit_code == 125);
    REQUIRE_THAT(unknown.err, Contains("fiel") && Contains("listener"));
    REQUIRE(timeless.exit_code == 125);
}

TEST_CASE("a holder that was paused past its deadline expires what it held", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess runner = keeper.start({"--lease-ttl", "file=500ms", "--lease-ttl", "stream=500ms"});
    await_output(runner, "ready");
    REQUIRE(keeper.ask(runner, "append before") == "appended\n");

    runner.send(SIGSTOP);
    ::usleep(700'000);
    runner.send(SIGCONT);
    await("the expiry", [&] { return keeper.lease("file")["state"] != "granted"; });

    REQUIRE(keeper.ask(runner, "append after") == "appended\n");
    REQUIRE(read_text(keeper.fixture.work() / "log") == "before\nafter\n");
}

TEST_CASE("a listener that expires under a guest that waits is bound again", "[leases][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    VmProcess runner = fixture.start(
        {"run", "--name", "echo", "--tcp-listen", "127.0.0.1:" + std::to_string(port), *program});
    await_output(runner, "ready");

    REQUIRE(fixture.run({"lease", "expire", "echo", "--all"}).exit_code == 0);

    const TcpPeer peer(port);
    peer.say("quit");
    REQUIRE(runner.wait().exit_code == 0);
}

TEST_CASE("a connection that expires is reset on both sides", "[leases][socket]") {
    const auto program = guest("echo");
    if (!program) return;
    const ProcessFixture fixture;
    const std::uint16_t port = free_port();
    VmProcess runner = fixture.start(
        {"run", "--name", "echo", "--tcp-listen", "127.0.0.1:" + std::to_string(port), *program});
    const TcpPeer peer(port);
    peer.say("hello");
    REQUIRE(peer.hear(5) == "hello");

    REQUIRE(fixture.run({"lease", "expire", "echo", "--all"}).exit_code == 0);

    REQUIRE(peer.hear(1).empty());
    await_output(runner, "receive: errno 15");
}

TEST_CASE("whatever happens to a service while its lease is expired, its use answers an errno",
          "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    const fs::path work = keeper.fixture.work();
    VmProcess runner = keeper.start();
    await_output(runner, "ready");
    REQUIRE(keeper.fixture.run({"lease", "expire", "job", "--all"}).exit_code == 0);

    SECTION("gone") {
        fs::remove_all(work);
        CHECK(keeper.ask(runner, "append x") == "errno 29\n");  // io
        CHECK(keeper.ask(runner, "take") == "errno 29\n");
        CHECK(keeper.ask(runner, "look input") == "errno 72\n");  // stale
    }
    SECTION("changed into something else") {
        fs::remove(work / "log");
        fs::create_directory(work / "log");
        CHECK(keeper.ask(runner, "append x") == "errno 29\n");
        CHECK(keeper.ask(runner, "take") == "one \n");
        CHECK(keeper.ask(runner, "look input") == "found\n");
    }
    CHECK(keeper.ask(runner, "clock") == "forward\n");
    CHECK(keeper.ask(runner, "draw") == "drawn\n");
    keeper.say("quit");
    CHECK(runner.wait().exit_code == 0);
}

TEST_CASE("a process goes on without what is optional, and its guest is told", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess first = keeper.start();
    keeper.suspend(first);
    fs::remove(keeper.fixture.work() / "input");

    const VmResult refused = keeper.fixture.run({"resume", "job"});
    VmProcess second = keeper.resume({"--optional", (keeper.fixture.work() / "input").string()});

    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains("input") && Contains("--optional"));
    REQUIRE(keeper.ask(second, "take") == "errno 29\n");
    REQUIRE(keeper.ask(second, "append x") == "appended\n");
}

TEST_CASE("a resume that takes over kills the old runner before it acts", "[leases]") {
    Keeper keeper;
    if (!keeper.is_there()) return;
    VmProcess first = keeper.start();
    await_output(first, "ready");
    REQUIRE(keeper.fixture.run({"checkpoint", "job"}).exit_code == 0);
    first.send(SIGSTOP);  // it would answer nothing

    const VmResult refused = keeper.fixture.run({"resume", "job"});
    VmProcess second = keeper.resume({"--take-over"});

    REQUIRE(refused.exit_code == 125);
    REQUIRE_THAT(refused.err, Contains("--take-over"));
    REQUIRE(keeper.ask(second, "append second") == "appended\n");
    REQUIRE(first.wait().exit_code == 128 + SIGKILL);
    REQUIRE(read_text(keeper.fixture.work() / "log") == "second\n");
}
