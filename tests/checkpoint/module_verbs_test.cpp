#include <fstream>
#include <iostream>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"

using namespace sojourn::tests;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Json = nlohmann::json;

namespace {

/// A file with these bytes.
std::string write_module(const ProcessFixture& fixture, const std::string& bytes) {
    const auto path = fixture.folder() / "broken.wasm";
    std::ofstream(path, std::ios::binary) << bytes;
    return path.native();
}

}  // namespace

TEST_CASE("vm validate tells valid modules from others", "[checkpoint]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;
    const std::string broken = write_module(fixture, std::string("\0asm\2\0\0\0", 8));

    const VmResult good = fixture.run({"validate", *program});
    const VmResult both = fixture.run({"validate", *program, broken});
    const auto object = fixture.run_json({"validate", *program, broken});

    REQUIRE(good.exit_code == 0);
    REQUIRE(good.out == *program + ": valid\n");
    REQUIRE(both.exit_code == 125);
    REQUIRE(both.out == good.out);
    REQUIRE_THAT(both.err, Contains(broken + ": unknown binary version 0x2"));
    REQUIRE(object["valid"] == false);
    REQUIRE(object["modules"][0] ==
            Json{{"file", *program}, {"valid", true}, {"problem", nullptr}});
    REQUIRE(object["modules"][1]["valid"] == false);
    REQUIRE_THAT(object["modules"][1]["problem"].get<std::string>(), StartsWith(broken));
}

TEST_CASE("vm inspect module tells what a program is made of", "[checkpoint]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult shown = fixture.run({"inspect", "module", *program});
    const auto object = Json::parse(fixture.run({"inspect", "module", "--json", *program}).out);

    REQUIRE(shown.exit_code == 0);
    REQUIRE_THAT(shown.out, Contains("IMPORT FROM") && Contains("wasi_snapshot_preview1") &&
                                Contains("_start") && Contains("LARGEST FUNCTION"));
    REQUIRE(object["schema"] == 1);
    REQUIRE(object["bytes"] == std::filesystem::file_size(*program));
    std::uint64_t section_bytes = 0;
    for (const auto& section : object["sections"])
        section_bytes += section["bytes"].get<std::uint64_t>();
    REQUIRE(section_bytes < object["bytes"]);
    REQUIRE(section_bytes > object["bytes"].get<std::uint64_t>() * 9 / 10);
    REQUIRE(object["imports"][0]["module"] == "wasi_snapshot_preview1");
    REQUIRE(object["memories"].size() == 1);
    REQUIRE_FALSE(object["functions"][0].contains("code"));
}

TEST_CASE("vm inspect module tells which functions are always interpreted, and why",
          "[checkpoint][engine]") {
    const ProcessFixture fixture;
    const VmResult compiled = fixture.run({"run", "--engine=jit", "samples/hello.wasm"});
    if (compiled.exit_code != 0) {
        std::cout << "test skipped: " << compiled.err << '\n';
        return;
    }
    // One function without a name, which has 5000 locals.
    constexpr std::string_view kBytes(
        "\0asm\1\0\0\0\1\4\1\x60\0\0\3\2\1\0\xa\7\1\5\1\x88\x27\x7e\xb", 27);
    const std::string wide = write_module(fixture, std::string(kBytes));

    const VmResult shown = fixture.run({"inspect", "module", wide});
    const VmResult narrow = fixture.run({"inspect", "module", "samples/hello.wasm"});
    const auto object = Json::parse(fixture.run({"inspect", "module", "--json", wide}).out);

    REQUIRE_THAT(shown.out, Contains("ALWAYS INTERPRETED") && Contains("it has too many values"));
    REQUIRE_THAT(narrow.out, !Contains("ALWAYS INTERPRETED"));
    REQUIRE(object["functions"][0]["interpreted_because"] == "it has too many values");
}

TEST_CASE("vm inspect module disassembles the function that is named", "[checkpoint]") {
    const auto program = guest("arithmetic");
    if (!program) return;
    const ProcessFixture fixture;

    const VmResult shown = fixture.run({"inspect", "module", "-f", "_start", *program});
    const auto object =
        Json::parse(fixture.run({"inspect", "module", "--json", "-f", "_start", *program}).out);
    const VmResult whole = fixture.run({"inspect", "module", "-d", *program});
    const VmResult unknown = fixture.run({"inspect", "module", "-f", "nobody", *program});

    REQUIRE_THAT(shown.out, StartsWith("func["));
    REQUIRE_THAT(shown.out, Contains("<_start> () -> ()"));
    REQUIRE(object["functions"].size() == 1);
    REQUIRE(object["functions"][0]["name"] == "_start");
    REQUIRE(object["functions"][0]["code"].back()["text"] == "end");
    REQUIRE_THAT(whole.out, Contains(shown.out));
    REQUIRE(unknown.exit_code == 125);
    REQUIRE_THAT(unknown.err, Contains("no function 'nobody'"));
}

TEST_CASE("with --validate=lazy, an invalid function is no matter until it is called",
          "[checkpoint]") {
    const ProcessFixture fixture;
    // Two functions: `_start`, which calls the other one if `calls`, and an `i32.add` of nothing.
    const auto program = [&](bool calls) {
        const std::string start =
            calls ? std::string("\4\0\x10\1\x0b", 5) : std::string("\4\0\1\1\x0b", 5);
        return write_module(fixture, std::string("\0asm\1\0\0\0"
                                                 "\1\4\1\x60\0\0"
                                                 "\3\3\2\0\0"
                                                 "\7\x0a\1\6_start\0\0"
                                                 "\x0a\x0a\2",
                                                 34) +
                                         start + std::string("\3\0\x6a\x0b", 4));
    };

    const VmResult whole = fixture.run({"run", program(false)});
    const VmResult uncalled = fixture.run({"run", "--validate=lazy", program(false)});
    const VmResult called = fixture.run({"run", "--validate=lazy", program(true)});
    const VmResult unknown = fixture.run({"run", "--validate=never", program(true)});

    REQUIRE(whole.exit_code == 125);
    REQUIRE_THAT(whole.err, Contains("function 1") && Contains("i32.add"));
    REQUIRE(uncalled.exit_code == 0);
    REQUIRE(called.exit_code == 134);
    REQUIRE_THAT(called.err, Contains("vm: trap: invalid function body: type mismatch") &&
                                 Contains("(function 1, byte 0x") && Contains("#0  func[1]"));
    REQUIRE(unknown.exit_code == 125);
}
