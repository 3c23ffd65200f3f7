#include <fstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/module_builder.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/vm_command.hpp"

using namespace sojourn::tests;
using namespace sojourn::test;
namespace fs = std::filesystem;

namespace {

/// `add`: (i32, i32) -> i32, and `stop`: a trap.
Raw adding_module() {
    return ModuleBuilder()
        .section(1, join({{2, 0x60}, sized({kI32, kI32}), sized({kI32}), {0x60, 0, 0}}))
        .section(3, {2, 0, 1})
        .section(7, join({{2}, sized(text("add")), {0, 0}, sized(text("stop")), {0, 1}}))
        .code({{0, 0x20, 0, 0x20, 1, 0x6a, 0x0b}, {0, 0x00, 0x0b}})
        .raw();
}

const std::string kModule = R"({"type": "module", "line": 1, "filename": "adding.wasm"})";

std::string number(const std::string& value) {
    return R"({"type": "i32", "value": ")" + value + R"("})";
}

std::string sum(unsigned line, const std::string& arguments, const std::string& expected) {
    return R"({"type": "assert_return", "line": )" + std::to_string(line) +
           R"(, "action": {"type": "invoke", "field": "add", "args": [)" + arguments +
           R"(]}, "expected": [)" + expected + "]}";
}

const std::string kRight = sum(2, number("2") + "," + number("3"), number("5"));
const std::string kWrong = sum(3, number("2") + "," + number("2"), number("5"));
const std::string kTrap =
    R"({"type": "assert_trap", "line": 4, "text": "unreachable",
        "action": {"type": "invoke", "field": "stop", "args": []}})";

/// A suite of scripts that add, and what vm-spectest says of it.
class SuiteFixture {
public:
    void write(const std::string& file, const std::string& content) const {
        std::ofstream(suite() / file) << content;
    }
    /// A script with the module in front of `commands`.
    void script(const std::string& name, const std::vector<std::string>& commands) const {
        fs::create_directories((suite() / name).parent_path());
        const Raw module = adding_module();
        std::ofstream((suite() / name).parent_path() / "adding.wasm", std::ios::binary)
            .write(reinterpret_cast<const char*>(module.data()),
                   static_cast<std::streamsize>(module.size()));
        std::string text = R"({"source_filename": "adding.wast", "commands": [)" + kModule;
        for (const std::string& command : commands)
            text += "," + command;
        write(name + ".json", text + "]}");
    }
    [[nodiscard]] VmResult run(std::vector<std::string> arguments = {}) const {
        arguments.push_back(suite());
        return vm(arguments, {{}, folder_.path()});
    }
    [[nodiscard]] VmResult run_with_list(const std::string& list) const {
        write("known.txt", list);
        return run({"--expected", suite() / "known.txt"});
    }
    [[nodiscard]] fs::path suite() const {
        fs::create_directories(folder_.path() / "suite");
        return folder_.path() / "suite";
    }

private:
    TemporaryFolder folder_;
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("scripts in all folders are run, and each command counts", "[spectest]") {
    const SuiteFixture fixture;
    fixture.script("sums", {kRight, kTrap});
    fixture.script("below/more", {kRight});

    const VmResult result = fixture.run();

    CHECK(result.out == "5 passed, 0 failed, 0 skipped\n");
    CHECK(result.exit_code == 0);
    CHECK(vm({fixture.suite(), "below"}, {{}, fixture.suite()}).out ==
          "2 passed, 0 failed, 0 skipped\n");
    CHECK(vm({fixture.suite(), "sums"}, {{}, fixture.suite()}).out ==
          "3 passed, 0 failed, 0 skipped\n");
}

TEST_CASE("a failure is told with its place and ends with 1", "[spectest]") {
    const SuiteFixture fixture;
    fixture.script("below/sums", {kRight, kWrong});

    const VmResult result = fixture.run();

    CHECK(contains(result.out, "below/sums:3: results [0x4], expected"));
    CHECK(last_line(result.out) == "2 passed, 1 failed, 0 skipped");
    CHECK(result.exit_code == 1);
}

TEST_CASE("with --json one object is all of the output", "[spectest]") {
    const SuiteFixture fixture;
    fixture.script("sums", {kRight, kWrong});
    fixture.write("known.txt", "sums:3 two and two are four");

    const auto plain = fixture.run({"--json"});
    const auto with_list = fixture.run({"--json", "--expected", fixture.suite() / "known.txt"});

    CHECK(nlohmann::json::parse(plain.out) ==
          nlohmann::json{{"passed", 2}, {"failed", 1}, {"skipped", 0}, {"expected", 0}});
    CHECK(contains(plain.err, "sums:3"));
    CHECK(nlohmann::json::parse(with_list.out) ==
          nlohmann::json{{"passed", 2}, {"failed", 0}, {"skipped", 0}, {"expected", 1}});
    CHECK(with_list.exit_code == 0);
}

TEST_CASE("what the list expects must fail, and be there", "[spectest]") {
    const SuiteFixture fixture;
    fixture.script("sums", {kRight, kWrong});

    const VmResult right = fixture.run_with_list("# known\n\nsums:3 two and two are four\n");
    CHECK(contains(right.out, "1 failed as expected\n"));
    CHECK(right.exit_code == 0);

    for (const char* stale : {"sums:2 passes", "sums:77 is no command", "gone:1 is no script"}) {
        const VmResult result =
            fixture.run_with_list("sums:3 two and two are four\n" + std::string(stale));
        CAPTURE(stale, result.out);
        CHECK(contains(result.out, "take it off the list"));
        CHECK(result.exit_code == 1);
    }
    for (const char* bad : {"sums:3", "sums:3 ", "sums why", "sums:x why", ":3 why"}) {
        const VmResult result = fixture.run_with_list(bad);
        CAPTURE(bad, result.out);
        CHECK(contains(result.err, "known.txt:1: write SCRIPT:LINE REASON"));
        CHECK(result.exit_code == 125);
    }
}

TEST_CASE("a script that can't be read is named with what is wrong, and the others are run",
          "[spectest]") {
    struct Broken {
        std::string content;
        const char* told;
    };
    const auto command = [](const std::string& text) { return R"({"commands": [)" + text + "]}"; };
    const Broken broken = GENERATE_COPY(
        Broken{"{", "broken.json is not JSON"}, Broken{"[1]", "broken.json has no commands"},
        Broken{R"({"commands": 3})", "broken.json has no commands"},
        Broken{command("7"), "a command has no type or no line"},
        Broken{command(R"({"type": "module"})"), "a command has no type or no line"},
        Broken{command(R"({"type": "thread", "line": 9})"),
               "line 9 is of the unknown type \"thread\""},
        Broken{command(R"({"type": "module", "line": 9})"), "line 9: it has no filename"},
        Broken{command(R"({"type": "module", "line": 9, "filename": 1})"),
               "its filename is no text"},
        Broken{command(R"({"type": "module", "line": 9, "filename": "gone.wasm"})"), "gone.wasm"},
        Broken{command(R"({"type": "register", "line": 9})"), "line 9: it has no as"},
        Broken{command(R"({"type": "action", "line": 9, "action": {"type": "get"}})"),
               "its action"},
        Broken{command(sum(9, R"({"type": "i32", "value": "x"})", "")), "its action"},
        Broken{command(sum(9, number("4294967296"), "")), "its action"},
        Broken{command(sum(9, "", R"({"type": "either", "values": []})")), "what it expects"},
        Broken{command(sum(9, "", R"({"type": "v128", "lane_type": "i8", "value": ["1"]})")),
               "what it expects"});
    const SuiteFixture fixture;
    fixture.script("sums", {kRight});
    fixture.write("broken.json", broken.content);

    const VmResult result = fixture.run();

    CAPTURE(broken.content, result.err);
    CHECK(result.err.substr(0, 20) == "vm-spectest: error: ");
    CHECK(contains(result.err, broken.told));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK(result.out == "2 passed, 0 failed, 0 skipped\n");
    CHECK(result.exit_code == 125);
}

TEST_CASE("arguments that a function does not take are a failure or skipped", "[spectest]") {
    const SuiteFixture fixture;
    fixture.script(
        "sums", {sum(2, number("2"), number("5")),
                 sum(3, number("2") + R"(, {"type": "i64", "value": "4294967296"})", number("5"))});

    const VmResult result = fixture.run();

    CHECK(contains(result.out, "sums:2: \"add\" takes 2 arguments, 1 are given"));
    CHECK(contains(result.out, "skipped 1: arguments of other types\n"));
    CHECK(last_line(result.out) == "1 passed, 1 failed, 1 skipped");
}

TEST_CASE("reborn between commands and within them, a suite passes as it does undisturbed",
          "[spectest]") {
    const SuiteFixture fixture;
    fixture.script("sums", {kRight, kTrap});
    const std::vector<std::vector<std::string>> ways{
        {"--reincarnate"}, {"--reincarnate", "2"}, {"--reincarnate=1", "--cache", "512K"}};
    for (const auto& way : ways) {
        const VmResult result = fixture.run(way);

        CAPTURE(way, result.out, result.err);
        CHECK(contains(result.out, "reborn 3 times between commands, "));
        CHECK(last_line(result.out) == "3 passed, 0 failed, 0 skipped");
        CHECK(result.exit_code == 0);
    }
}

TEST_CASE("words that make no sense are refused with what would", "[spectest]") {
    const SuiteFixture fixture;
    fixture.script("sums", {kRight});
    const std::vector<std::pair<std::vector<std::string>, std::string>> calls{
        {{"--reincarnate=0"}, "1 or more"},
        {{"--reincarnate=x"}, "1 or more"},
        {{"--cache", "1K"}, "the smallest is 512K"},
        {{"--cache", "z"}, "write 65536"},
        {{"--expected", "gone"}, "cannot open gone"},
        {{"--bogus"}, "vm-spectest --help"},
        {{"gone"}, "give a folder"}};
    for (const auto& [words, remedy] : calls) {
        const VmResult result = fixture.run(words);

        CAPTURE(words, result.err);
        CHECK(contains(result.err, remedy));
        CHECK(result.out.empty());
        CHECK(result.exit_code == 125);
    }
}

TEST_CASE("a folder without scripts is refused", "[spectest]") {
    const SuiteFixture fixture;

    const VmResult result = fixture.run();

    CHECK(contains(result.err, "has no script; wast2json"));
    CHECK(result.exit_code == 125);
}
