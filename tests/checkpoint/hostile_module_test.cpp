#include <algorithm>
#include <fstream>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "tests/checkpoint/process_fixture.hpp"
#include "tests/support/module_builder.hpp"
#include "tests/support/sanitizer.hpp"

using namespace sojourn::tests;
using namespace sojourn::test;
using Catch::Matchers::Contains;

namespace {

constexpr int kErrorExitCode = 125;
constexpr int kTrapExitCode = 134;
const std::string kScreen = "\x1b[2J\n";

Raw repeated(const Raw& piece, std::size_t times) {
    Raw result;
    for (std::size_t i = 0; i < times; ++i)
        result.insert(result.end(), piece.begin(), piece.end());
    return result;
}

using Section = std::pair<std::uint8_t, Raw>;
const Section kNoSection{0, sized(text("nothing"))};

/// A program whose `_start` has this code, with one more section in front of the exports and one in
/// front of the code.
Raw program(const Raw& code, const Section& before_exports = kNoSection,
            const Section& before_code = kNoSection) {
    ModuleBuilder builder;
    builder.function_type({}, {}).section(3, {1, 0});
    builder.section(before_exports.first, before_exports.second);
    builder.section(7, join({{1}, sized(text("_start")), {0, 0}}));
    builder.section(before_code.first, before_code.second);
    builder.code({join({{0}, code, {0x0b}})});
    return builder.raw();
}

/// Runs `grow` by one, over and over, until it fails: -1.
Raw until_refused(const Raw& grow) {
    return join({{0x03, 0x40}, grow, {0x41, 0x7f, 0x47, 0x0d, 0, 0x0b}});
}

std::string file_of(const ProcessFixture& fixture, const Raw& module) {
    const std::string path = fixture.work() / "hostile.wasm";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(module.data()),
               static_cast<std::streamsize>(module.size()));
    return path;
}

bool is_one_line(const std::string& text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    return text.ends_with('\n') && std::ranges::count_if(text, is_control) == 1;
}

/// The most that a child has had in RAM, in KiB.
long resident_max_kib() {
    rusage usage{};
    ::getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("a program that would never end or take everything is stopped by its limits",
          "[checkpoint][hostile]") {
    struct Case {
        std::string what;
        Raw module;
        int exit_code;
        std::string said;
    };
    const Raw endless{0x03, 0x40, 0x0c, 0, 0x0b};
    const Raw grow_memory{0x41, 1, 0x40, 0};
    const Raw grow_table_much{0xd0, 0x70, 0x41, 0x80, 0x80, 0x04, 0xfc, 0x0f, 0};
    const std::vector<Case> cases{
        {"a start function without end", program(endless, kNoSection, {8, {0}}), kTrapExitCode,
         "out of fuel"},
        {"a loop without end", program(endless), kTrapExitCode, "out of fuel"},
        {"calls without end", program({0x10, 0}), kTrapExitCode, "call stack exhausted"},
        {"a memory that grows", program(until_refused(grow_memory), {5, {1, 0, 1}}), 0, ""},
        {"a table that grows", program(until_refused(grow_table_much), {4, {1, 0x70, 0, 1}}), 0,
         ""},
        {"a large memory", program({}, {5, join({{1, 0}, leb(65'536)})}), kErrorExitCode,
         "--max-memory"},
        {"a hundred memories of a tebibyte",
         program({}, {5, join({leb(100), repeated({4, 0}, 100)})}), 0, ""},
    };
    const ProcessFixture fixture;

    for (const auto& [what, module, exit_code, said] : cases) {
        const VmResult result = fixture.run({"run", "--max-memory", "64M", "--fuel", "100000",
                                             "--max-stack", "1M", file_of(fixture, module)});

        INFO(what << ": " << result.err);
        CHECK(result.exit_code == exit_code);
        CHECK_THAT(result.err, Contains(said));
        if (exit_code == kErrorExitCode) CHECK(is_one_line(result.err));
    }
    if (!kSanitized) CHECK(resident_max_kib() < 512 << 10);
}

TEST_CASE("no name of a module reaches the terminal as it is", "[checkpoint][hostile]") {
    const ProcessFixture fixture;
    const Raw name = sized(text(kScreen));
    const Raw import = join({{1}, name, name, {0, 0}});
    const Raw exported = join({{1}, sized(text("_start")), {0, 1}});
    auto module = ModuleBuilder().function_type({}, {}).section(2, import).section(3, {1, 0});
    module.section(7, exported).code({{0, 0x0b}});
    const std::string importing = file_of(fixture, module.raw());
    const VmResult unlinked = fixture.run({"run", importing});
    const VmResult listed = fixture.run({"inspect", "module", importing});

    const Raw function_names = sized(join({{1, 0}, name}));
    const Raw names = join({sized(text("name")), {1}, function_names});
    const std::string trapping = file_of(fixture, program({0x00}, kNoSection, {0, names}));
    const VmResult trapped = fixture.run({"run", trapping});
    const VmResult disassembled = fixture.run({"inspect", "module", "--disassemble", trapping});

    CHECK(unlinked.exit_code == kErrorExitCode);
    CHECK(is_one_line(unlinked.err));
    CHECK_THAT(listed.out, Contains("\\x1b[2J\\x0a") && !Contains("\x1b[2J"));
    CHECK(trapped.exit_code == kTrapExitCode);
    CHECK_THAT(trapped.err, Contains("#0  \\x1b[2J\\x0a") && !Contains("\x1b[2J"));
    CHECK_THAT(disassembled.out, Contains("\\x1b[2J\\x0a") && !Contains("\x1b[2J"));
}
