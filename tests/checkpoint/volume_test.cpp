#include <csignal>
#include <fstream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/checkpoint/reincarnation_fixture.hpp"
#include "tests/support/input_pipe.hpp"

using namespace sojourn::tests;
namespace fs = std::filesystem;

namespace {

constexpr const char* kPoem = "a\nroses are red\nviolets are blue\n.\n";

/// A guest that works with files, and how often it is disturbed, in safepoints.
struct FileGuest {
    Guest guest;
    std::string program;
    std::uint64_t expire_every;
    std::uint64_t reincarnate_every;
};

std::vector<FileGuest> file_guests() {
    std::vector<FileGuest> guests = {
        {{"editor", {"poem"}, 0, std::string(kPoem) + "1s/red/white/\nw\n%p\nq\n"},
         "samples/editor.wasm",
         1,
         53},
        {{"ledger", {"--entries", "1000"}}, "samples/ledger.wasm", 307, 10'007},
        {{"merge", {"--records", "2000"}}, "samples/merge.wasm", 401, 5'003},
    };
    if (const auto files = guest("files")) guests.push_back({{"files"}, *files, 1, 7});
    if (const auto calls = guest("wasi_calls")) guests.push_back({{"wasi_calls"}, *calls, 1, 997});
    return guests;
}

Guest on_volume(Guest guest) {
    guest.is_on_volume = true;
    return guest;
}

/// A process with a volume, suspended while its editor holds a line in memory that is not in its
/// file, and a line in its file.
class SuspendedEditor {
public:
    ProcessFixture fixture;

    SuspendedEditor() {
        const InputPipe input;
        input.write(std::string(kPoem) + "w\n1s/red/white/\np\n");
        VmOptions with_input = fixture.options();
        with_input.standard_input = input.reader();
        VmProcess runner(
            {"run", "--name", "job", "--volume", "data::/", "samples/editor.wasm", "poem"},
            with_input);
        await_output(runner, "roses are white");
        REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
        REQUIRE(runner.wait().exit_code == 75);
    }

    [[nodiscard]] VmResult tell(const std::vector<std::string>& command,
                                const std::string& input) const {
        InputPipe pipe;
        pipe.write(input);
        pipe.end();
        VmOptions options = fixture.options();
        options.standard_input = pipe.reader();
        return vm(command, options);
    }

    [[nodiscard]] VmResult volume(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "volume");
        return fixture.run(arguments);
    }

    [[nodiscard]] std::string file(const std::string& place) const {
        const fs::path copy = fixture.folder() / "copy";
        const VmResult copied = volume({"cp", place, copy});
        CAPTURE(copied.err);
        REQUIRE(copied.exit_code == 0);
        return read_text(copy);
    }
};

}  // namespace

TEST_CASE("guests say the same on a volume as in a directory", "[volume]") {
    for (const FileGuest& each : file_guests()) {
        INFO(each.guest.name);
        const Run in_directory = run_guest(each.guest, each.program, {});

        const Run in_volume = run_guest(on_volume(each.guest), each.program, {});

        CHECK(in_directory.result.exit_code == 0);
        CHECK(in_volume.result.exit_code == 0);
        CHECK(in_volume.result.out == in_directory.result.out);
        CHECK(in_volume.result.err == in_directory.result.err);
    }
}

TEST_CASE("a guest on a volume does not notice that it is born again", "[volume][checkpoint]") {
    HabitatMatrix matrix;
    for (const FileGuest& each : file_guests()) {
        const Guest guest = on_volume(each.guest);
        const Run expected = run_guest(guest, each.program, {});
        for (const Habitat& habitat : matrix.habitats())
            expect_same_when_reincarnated(guest, each.program, expected, habitat,
                                          each.reincarnate_every);
    }
}

TEST_CASE("a guest does not notice that its leases on a volume expire", "[volume][expiry]") {
    for (const FileGuest& each : file_guests()) {
        INFO(each.guest.name);
        const Guest guest = on_volume(each.guest);
        const Run expected = run_guest(guest, each.program, {});

        const Run expiring =
            run_guest(guest, each.program, {"--expire-every", std::to_string(each.expire_every)});
        const Run brief = run_guest(
            guest, each.program, {"--lease-ttl", "volume=1ms", "--lease-ttl", "volume_file=1ms"});

        CHECK(expiring.result.out == expected.result.out);
        CHECK(expiring.stats["expiries"] > 0);
        CHECK(brief.result.out == expected.result.out);
    }
}

TEST_CASE("a resumed process finds its volume at the moment of its memory", "[volume]") {
    const SuspendedEditor editor;

    const VmResult resumed = editor.tell({"resume", "job"}, "%p\nw\nq\n");

    CAPTURE(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(resumed.out.find("roses are white\n") != std::string::npos);
    REQUIRE(resumed.out.find("2 lines to poem\n") != std::string::npos);
}

TEST_CASE("a branch goes on with files of its own", "[volume]") {
    const SuspendedEditor editor;
    const fs::path file = editor.fixture.folder() / "file";
    std::ofstream(file) << "text";
    REQUIRE(editor.volume({"cp", file, "job:data/new"}).exit_code == 0);

    const VmResult branch = editor.tell({"resume", "job@1"}, "%p\nw new\nq\n");

    CAPTURE(branch.out, branch.err);
    REQUIRE(branch.exit_code == 0);
    REQUIRE(branch.out.find("roses are white\n") != std::string::npos);
    REQUIRE(editor.file("job@2:data/new") == "text");
    REQUIRE(editor.volume({"ls", "job@1:data/new"}).exit_code == 125);
}

TEST_CASE("an image takes its volumes along, and needs no grant for them", "[volume]") {
    const SuspendedEditor editor;
    const std::string image = editor.fixture.folder() / "job.image";
    REQUIRE(editor.fixture.run({"export", "job", "-o", image}).exit_code == 0);
    REQUIRE(editor.fixture.run({"import", image, "--name", "copy"}).exit_code == 0);
    REQUIRE(editor.fixture.run({"rm", "job"}).exit_code == 0);

    const VmResult examined = editor.fixture.run({"resume", "--dry-run", "copy"});
    REQUIRE(editor.file("copy:data/poem") == "roses are red\nviolets are blue\n");
    const VmResult resumed = editor.tell({"resume", "copy"}, "%p\nw\nq\n");

    CHECK(examined.exit_code == 0);
    CHECK(examined.out.find("data:/poem") == std::string::npos);
    CAPTURE(resumed.err);
    REQUIRE(resumed.exit_code == 0);
    REQUIRE(resumed.out.find("roses are white") != std::string::npos);
}

TEST_CASE("volumes and what is in them are listed", "[volume]") {
    const SuspendedEditor editor;

    const auto volumes =
        nlohmann::json::parse(editor.volume({"ls", "--json", "job"}).out)["volumes"];
    const auto entries =
        nlohmann::json::parse(editor.volume({"ls", "--json", "job:data"}).out)["entries"];
    const auto leases = editor.fixture.run({"leases", "job"});

    REQUIRE(volumes.size() == 1);
    CHECK(volumes[0]["name"] == "data");
    CHECK(volumes[0]["size_bytes"] == std::uint64_t{4} << 30U);
    REQUIRE(entries.size() == 1);
    CHECK(entries[0]["name"] == "poem");
    CHECK(entries[0]["type"] == "file");
    CHECK(entries[0]["size_bytes"] == 31);
    CHECK(leases.out.find("volume data:/") != std::string::npos);
    CHECK(editor.volume({"ls", "job:data/poem"}).out.find(" 31 ") != std::string::npos);
    CHECK(editor.volume({"ls", "job:other"}).err.find("it has: data") != std::string::npos);
    CHECK(editor.volume({"ls", "job:data/absent"}).exit_code == 125);
    CHECK(editor.volume({"ls", "job@77:data"}).exit_code == 125);
}

TEST_CASE("trees are copied into a volume and out of it again", "[volume]") {
    const SuspendedEditor editor;
    const fs::path tree = editor.fixture.folder() / "tree";
    fs::create_directories(tree / "inner/empty");
    std::ofstream(tree / "inner/file") << std::string(300'000, 'x');
    std::ofstream(tree / "short") << "short";
    fs::create_symlink("inner/file", tree / "link");
    const fs::path out = editor.fixture.folder() / "out";

    CHECK(editor.volume({"cp", tree, "job:data/"}).err.find("-r copies it") != std::string::npos);
    REQUIRE(editor.volume({"cp", "-r", tree, "job:data/"}).exit_code == 0);
    REQUIRE(editor.volume({"cp", "-r", "job:data/tree", out}).exit_code == 0);

    CHECK(read_text(out / "inner/file") == std::string(300'000, 'x'));
    CHECK(read_text(out / "short") == "short");
    CHECK(fs::is_empty(out / "inner/empty"));
    CHECK(fs::read_symlink(out / "link") == "inner/file");
    // What is there is not written over by a tree.
    const VmResult again = editor.volume({"cp", "-r", "job:data/tree/inner", out});
    CHECK(again.exit_code == 125);
    // The checkpoint before knows nothing of it, the newest one does all the rest as well.
    CHECK(editor.volume({"ls", "job@1:data/tree"}).exit_code == 125);
    CHECK(editor.file("job:data/poem") == "roses are red\nviolets are blue\n");
    const VmResult resumed = editor.tell({"resume", "job"}, "%p\nw\nq\n");
    CHECK(resumed.out.find("roses are white") != std::string::npos);
}

TEST_CASE("nothing is copied into a process that runs, or into the past", "[volume]") {
    const SuspendedEditor editor;
    const fs::path file = editor.fixture.folder() / "file";
    std::ofstream(file) << "text";
    CHECK(editor.volume({"cp", file, "job@1:data/"}).err.find("does not change") !=
          std::string::npos);
    CHECK(editor.volume({"cp", file, file}).exit_code == 125);

    const InputPipe input;
    VmOptions with_input = editor.fixture.options();
    with_input.standard_input = input.reader();
    VmProcess runner({"resume", "job"}, with_input);
    input.write("p\n");
    await_output(runner, "roses");
    const VmResult refused = editor.volume({"cp", file, "job:data/"});
    CHECK(editor.file("job:data/poem") == "roses are red\nviolets are blue\n");
    runner.send(SIGKILL);
    runner.wait();

    CHECK(refused.exit_code == 125);
    CHECK(refused.err.find("is running") != std::string::npos);
    // A copy that fails leaves nothing behind.
    CHECK(editor.volume({"cp", file, "job:data/absent/file"}).exit_code == 125);
    CHECK(editor.fixture.run_json({"log", "job"})["checkpoints"].size() == 1);
    CHECK(editor.fixture.row_of("job")["state"] == "crashed");
}

TEST_CASE("what is typed for a volume is checked", "[volume]") {
    const ProcessFixture fixture;
    for (const char* text : {"data", "data::", "::/data", "da/ta::/", "data::/,size=10",
                             "data::/,size=2000G", "data::/,colour=red", "data:/data"}) {
        INFO(text);
        const VmResult refused = fixture.run({"run", "--volume", text, "samples/hello.wasm"});
        CHECK(refused.exit_code == 125);
        CHECK(refused.err.find("--volume") != std::string::npos);
    }
    CHECK(fixture
              .run({"run", "--volume", "a::/in:ro,size=1M", "--volume", "a::/out",
                    "samples/hello.wasm", "you"})
              .out == "hello, you\n");
}

TEST_CASE("what a guest wrote to its volume is there after its end, however it came", "[volume]") {
    const ProcessFixture fixture;
    const std::string log = fixture.folder() / "ledger.log";
    const auto run = [&](const std::string& name, const std::vector<std::string>& limits) {
        std::vector<std::string> command = {"run", "--name", name, "--volume", "data::/"};
        command.insert(command.end(), limits.begin(), limits.end());
        command.insert(command.end(), {"samples/ledger.wasm", "--entries", "1000"});
        return fixture.run(command);
    };
    REQUIRE(run("whole", {}).exit_code == 0);
    REQUIRE(run("cut", {"--fuel", "100000"}).exit_code == 134);

    for (const std::string name : {"whole", "cut"}) {
        INFO(name);
        const VmResult copied = fixture.run({"volume", "cp", name + ":data/ledger.log", log});
        INFO(copied.err);
        REQUIRE(copied.exit_code == 0);
        CHECK(read_text(log).starts_with("account 1 "));
        CHECK(fixture.row_of(name)["state"] == "exited");
        fs::remove(log);
    }
}

TEST_CASE("a process that is resumed where it ended ends again", "[volume]") {
    const ProcessFixture fixture;
    const std::string image = fixture.folder() / "image";
    REQUIRE(fixture
                .run({"run", "--name", "job", "--volume", "data::/", "--fuel", "100000",
                      "samples/ledger.wasm", "--entries", "1000"})
                .exit_code == 134);
    const VmResult refused = fixture.run({"resume", "job"});
    CHECK(refused.exit_code == 125);
    CHECK(refused.err.find("vm log job") != std::string::npos);
    REQUIRE(fixture.run({"export", "job", "-o", image}).exit_code == 0);
    REQUIRE(fixture.run({"import", image, "--name", "copy"}).exit_code == 0);

    for (const auto& command : {std::vector<std::string>{"resume", "copy"}, {"resume", "job@1"}}) {
        const VmResult resumed = fixture.run(command);

        CAPTURE(resumed.err);
        CHECK(resumed.exit_code == 134);
        CHECK(resumed.out.empty());
    }
    CHECK(fixture.row_of("copy")["state"] == "exited");
    CHECK(fixture.run({"volume", "ls", "copy:data/ledger.log"}).exit_code == 0);
}

TEST_CASE("of a process that ended without a checkpoint there is nothing to look into",
          "[volume]") {
    const ProcessFixture fixture;
    REQUIRE(fixture.run({"run", "--name", "job", "samples/hello.wasm"}).exit_code == 0);

    const VmResult refused = fixture.run({"volume", "ls", "job"});

    CHECK(refused.exit_code == 125);
    CHECK(refused.err.find("ended without a checkpoint") != std::string::npos);
}
