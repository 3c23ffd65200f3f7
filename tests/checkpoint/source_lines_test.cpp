#include <fcntl.h>
#include <fstream>
#include <iostream>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/checkpoint/process_fixture.hpp"
#include "tools/vm/debug_image.hpp"

using namespace sojourn;
using namespace sojourn::tests;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSource = "tests/checkpoint/trap_debug.c";

/// The number of the source's first line with this text.
int line_of(const std::string& text) {
    std::ifstream source(kSource);
    std::string line;
    int number = 1;
    for (; std::getline(source, line) && line.find(text) == std::string::npos; ++number) {
    }
    return number;
}

/// ` at …/trap_debug.c:7:`
std::string place_of(const std::string& text) {
    return std::string(kSource) + ":" + std::to_string(line_of(text)) + ":";
}

/// As it would be without any debug information.
std::string without_places(const std::string& report) {
    std::istringstream lines(report);
    std::string result;
    for (std::string line; std::getline(lines, line);) {
        const auto place = line.find(") at ");
        result += place == std::string::npos ? line : line.substr(0, place + 1);
        result += '\n';
    }
    return result;
}

std::shared_ptr<const vm::Module> load(const std::string& path) {
    return vm::load_module(read_file(path).value()).value();
}

void write(const fs::path& path, Bytes bytes) {
    std::ofstream(path, std::ios::binary) << as_text(bytes);
}

/// Flips random bits in what debug information the module has.
class Mangler {
public:
    explicit Mangler(const vm::Module& module) : original_(module.bytes) {
        const char* given = std::getenv("SOJOURN_SEED");
        const std::uint64_t seed =
            given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
        std::cout << "SOJOURN_SEED=" << seed << " repeats this\n";
        random_.seed(seed);
        for (const vm::Section& section : module.sections) {
            if (!section.name.starts_with(".debug_")) continue;
            // Behind the name, so that it stays the section that it is.
            const auto skipped = static_cast<std::uint32_t>(section.name.size()) + 1;
            sections_.push_back({section.offset + skipped, section.byte_count - skipped});
        }
    }

    ByteVector mangled() {
        ByteVector bytes = original_;
        for (std::uint64_t flips = 1 + random_() % 64; flips > 0; --flips) {
            const Range& range = sections_[random_() % sections_.size()];
            // Headers lie in front: half of the flips go there.
            const std::uint32_t end =
                random_() % 2 == 0 ? std::min(range.count, 256U) : range.count;
            bytes[range.begin + random_() % end] ^= std::byte{1} << (random_() % 8);
        }
        return bytes;
    }

private:
    struct Range {
        std::uint32_t begin;
        std::uint32_t count;
    };
    ByteVector original_;
    std::vector<Range> sections_;
    std::mt19937_64 random_;
};

std::string symbolizer_path() {
    return fs::path(SOJOURN_VM).parent_path() / "vm-symbolize";
}

/// A copy of vm with another vm-symbolize beside it, or none.
std::string vm_with_symbolizer(const fs::path& folder, const std::string& script) {
    fs::copy_file(SOJOURN_VM, folder / "vm");
    if (!script.empty()) {
        std::ofstream(folder / "vm-symbolize") << "#!/bin/sh\n" << script << "\n";
        fs::permissions(folder / "vm-symbolize", fs::perms::owner_all);
    }
    return folder / "vm";
}

}  // namespace

TEST_CASE("the frames of a trap name the lines of their calls", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult ended = fixture.run({"run", *program});
    const auto object = Json::parse(fixture.run({"run", "--json", *program}).err);

    REQUIRE(ended.exit_code == 134);
    REQUIRE_THAT(ended.err, StartsWith("vm: trap: integer divide by zero\n    #0  divide ("));
    REQUIRE_THAT(ended.err, Contains(place_of("dividend / divisor")));
    REQUIRE_THAT(ended.err, Contains(place_of("divide(7, depth)")));
    REQUIRE_THAT(ended.err, Contains(place_of("descend(2)")));
    const auto& frames = object["trap"]["backtrace"];
    REQUIRE(frames[0]["function"] == "divide");
    REQUIRE(frames[0]["source"]["line"] == line_of("dividend / divisor"));
    REQUIRE(frames[0]["source"]["column"] > 0);
    REQUIRE_THAT(frames[0]["source"]["file"].get<std::string>(), Catch::EndsWith(kSource));
    REQUIRE(frames.back()["source"].is_null());  // a wrapper that the linker made
}

TEST_CASE("the middle of a long backtrace is left out, and counted", "[lines]") {
    const auto program = guest("deep_trap");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult result = fixture.run({"run", *program});
    const VmResult as_json = fixture.run({"run", "--json", *program});
    const Json trap = Json::parse(as_json.err)["trap"];

    const std::uint64_t left_out = trap["frames_left_out"];
    REQUIRE(trap["backtrace"].size() == 64);
    REQUIRE(left_out == 1002 - 64);
    REQUIRE_THAT(result.err, Contains(" … " + std::to_string(left_out) + " frames\n    #" +
                                      std::to_string(32 + left_out) + " "));
}

TEST_CASE("a process that was suspended has lines, its module being the store's", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string copy = fixture.folder() / "gone.wasm";
    fs::copy_file(*program, copy);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reader(ends[0]);
    const UniqueFd writer(ends[1]);
    VmOptions options = fixture.options();
    options.standard_input = reader.get();
    const VmProcess runner({"run", "--name", "job", copy, "wait"}, options);
    await_output(runner, "before");
    REQUIRE(fixture.run({"suspend", "job"}).exit_code == 0);
    fs::remove(copy);

    const VmResult resumed = fixture.run({"resume", "job"});

    REQUIRE(resumed.exit_code == 134);
    REQUIRE_THAT(resumed.err, Contains(place_of("dividend / divisor")));
}

TEST_CASE("the backtrace of a module without lines has none", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const ProcessFixture fixture;
    std::string bytes = read_text(*program);
    const std::string section = ".debug_line";
    bytes.replace(bytes.find(section), section.size(), ".other_line");
    const std::string stripped = fixture.folder() / "stripped.wasm";
    write(stripped, as_bytes(bytes));

    const VmResult ended = fixture.run({"run", stripped});
    const auto object = Json::parse(fixture.run({"run", "--json", stripped}).err);

    REQUIRE(ended.exit_code == 134);
    REQUIRE_THAT(ended.err, Contains("#0  divide (function"));
    REQUIRE(ended.err == without_places(ended.err));
    REQUIRE(object["trap"]["backtrace"][0]["source"].is_null());
}

TEST_CASE("mangled debug information changes nothing but the lines", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string expected = without_places(fixture.run({"run", *program}).err);
    Mangler mangler(*load(*program));
    const fs::path mangled = fixture.folder() / "mangled.wasm";

    for (int i = 0; i < 200; ++i) {
        write(mangled, mangler.mangled());

        const VmResult ended = fixture.run({"run", mangled});

        REQUIRE(ended.exit_code == 134);
        REQUIRE(without_places(ended.err) == expected);
    }
}

TEST_CASE("vm-symbolize answers for mangled debug information, or ends", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const ProcessFixture fixture;
    const auto module = load(*program);
    Mangler mangler(*module);
    VmOptions options = fixture.options();
    options.program = symbolizer_path();
    const fs::path image = fixture.folder() / "image";
    int answered = 0;

    for (int i = 0; i < 300; ++i) {
        write(image, tools::debug_image(*vm::load_module(mangler.mangled()).value()));
        const UniqueFd input(::open(image.c_str(), O_RDONLY | O_CLOEXEC));
        options.standard_input = input.get();

        const VmResult ended = sojourn::tests::vm({"183", "136", "79"}, options);

        if (ended.exit_code != 0) continue;
        ++answered;
        std::istringstream lines(ended.out);
        for (std::string line; std::getline(lines, line);)
            REQUIRE_FALSE(Json::parse(line, nullptr, false).is_discarded());
        REQUIRE(std::count(ended.out.begin(), ended.out.end(), '\n') == 3);
    }

    REQUIRE(answered > 0);
}

TEST_CASE("vm-symbolize is confined before it reads anything", "[lines]") {
    const ProcessFixture fixture;
    const fs::path pipe = fixture.folder() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    const UniqueFd nobody_reads(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
    VmOptions options = fixture.options();
    options.program = "/bin/sh";

    // It has more to say than fits into a pipe, and stays where we can look at it.
    const VmProcess symbolizer(
        {"-c", "exec " + symbolizer_path() + " $(seq 20000) </dev/null >" + pipe.native()},
        options);

    const fs::path of_process = fs::path("/proc") / std::to_string(symbolizer.pid());
    await("the filter of system calls", [&] {
        return read_text(of_process / "status").find("Seccomp:\t2\n") != std::string::npos;
    });
    REQUIRE_THAT(read_text(of_process / "status"), Contains("NoNewPrivs:\t1\n"));
    const std::string limits = read_text(of_process / "limits");
    REQUIRE_THAT(limits, Contains("Max open files            0"));
    REQUIRE_THAT(limits, Contains("Max cpu time              5"));
    REQUIRE_THAT(limits, Contains("Max address space         2147483648"));
}

TEST_CASE("a backtrace comes whatever becomes of vm-symbolize", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const std::string script =
        GENERATE(std::string(), "exit 1", "kill -SEGV $$", "echo nonsense", "exec yes",
                 R"(echo '{"file": 7, "line": "x"}')",
                 R"(while echo '[[[[{"line": -1}]]]]'; do :; done)", "exec sleep 600");
    CAPTURE(script);
    const ProcessFixture fixture;
    const std::string expected = without_places(fixture.run({"run", *program}).err);
    VmOptions options = fixture.options();
    options.program = vm_with_symbolizer(fixture.folder(), script);

    const VmResult ended = sojourn::tests::vm({"run", *program}, options);

    REQUIRE(ended.exit_code == 134);
    REQUIRE(ended.err == expected);
}

TEST_CASE("a file's name reaches the terminal in printable characters", "[lines]") {
    const auto program = guest("trap_debug");
    if (!program) return;
    const ProcessFixture fixture;
    VmOptions options = fixture.options();
    options.program = vm_with_symbolizer(
        fixture.folder(),
        R"(for a; do printf '%s\n' '{"file": "\u001b[31mred", "line": 7}'; done)");

    const VmResult ended = sojourn::tests::vm({"run", *program}, options);

    REQUIRE_THAT(ended.err, Contains(R"() at \x1b[31mred:7)"));
}
