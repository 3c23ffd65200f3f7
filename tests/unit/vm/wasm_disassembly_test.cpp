#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "vm/wasm/disassembly.hpp"
#include "vm/wasm/required_features.hpp"

using namespace sojourn;
using namespace sojourn::test;
using Names = std::vector<std::string_view>;

namespace {

/// Two memories, a table, a mutable global and two functions, of which the first is named.
ModuleBuilder with_everything(const Raw& body) {
    ModuleBuilder builder;
    builder.function_type({}, {});
    builder.section(3, {2, 0, 0});
    builder.section(4, {1, kFuncref, 0x00, 1});
    builder.section(5, {2, 0x00, 1, 0x00, 1});
    builder.section(6, {1, kI32, 0x01, 0x41, 0x00, 0x0b});
    builder.code({join({{0}, body, {0x0b}}), {0, 0x0b}});
    const Raw map = join({{1, 0}, sized(text("a\x1b[2J"))});
    return builder.section(0, join({sized(text("name")), {1}, sized(map)}));
}

/// The lines of function 0, each indented by its depth.
std::vector<std::string> lines_of(const Raw& body) {
    const auto module = *load(with_everything(body));
    std::vector<std::string> lines;
    disassemble(*module, module->functions[0], [&](const vm::DisassembledLine& line) {
        lines.push_back(std::string(line.depth, ' ') + line.text);
    });
    return lines;
}

/// The line of the instruction, which gives a value that is dropped.
std::string line_of(const Raw& instruction) {
    constexpr std::uint8_t kUnreachable = 0x00;
    constexpr std::uint8_t kDrop = 0x1a;
    const auto lines = lines_of(join({{kUnreachable}, instruction, {kDrop}}));
    REQUIRE(lines.size() == 4);
    return lines[1].substr(1);
}

Names features_of(const ModuleBuilder& builder) {
    return required_features(*load(builder).value());
}

}  // namespace

TEST_CASE("a body is shown line by line, blocks indented", "[wasm]") {
    const Raw body = {0x02, 0x40, 0x41, 0x7f, 0x04, 0x40, 0x0c, 0x01, 0x05, 0x01, 0x0b, 0x0b};

    REQUIRE(lines_of(body) == std::vector<std::string>{" block", "  i32.const -1", "  if",
                                                       "   br 1", "  else", "   nop", "  end",
                                                       " end", "end"});
}

TEST_CASE("immediates are shown as the text format has them", "[wasm]") {
    CHECK(line_of({0x28, 0x02, 0x00}) == "i32.load");
    CHECK(line_of({0x28, 0x00, 0x90, 0x01}) == "i32.load offset=144 align=1");
    CHECK(line_of({0x28, 0x42, 0x01, 0x00}) == "i32.load 1");
    CHECK(line_of({0x3f, 0x01}) == "memory.size 1");
    CHECK(line_of({0x41, 0x80, 0x80, 0x80, 0x80, 0x78}) == "i32.const -2147483648");
    CHECK(line_of({0x42, 0x7f}) == "i64.const -1");
    CHECK(line_of({0x43, 0x00, 0x00, 0x20, 0x40}) == "f32.const 2.5");
    CHECK(line_of({0x43, 0x01, 0x00, 0xc0, 0xff}) == "f32.const -nan:0x400001");
    CHECK(line_of({0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f}) == "f64.const inf");
    CHECK(line_of({0x1c, 0x01, kF64}) == "select (result f64)");
    CHECK(line_of({0xd0, 0x70}) == "ref.null func");
    CHECK(line_of({0xfd, 0x15, 0x0f}) == "i8x16.extract_lane_s 15");
    CHECK(line_of({0xfd, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}) ==
          "v128.const i64x2 0x0000000000000001 0x0200000000000000");
}

TEST_CASE("instructions that give nothing are shown with their indices", "[wasm]") {
    CHECK(lines_of({0x10, 0x00})[0] == " call 0 <a\\x1b[2J>");
    CHECK(lines_of({0x10, 0x01})[0] == " call 1 <func[1]>");
    CHECK(lines_of({0x00, 0x11, 0x00, 0x00})[1] == " call_indirect (type 0)");
    CHECK(lines_of({0x00, 0x0e, 0x02, 0x00, 0x00, 0x00})[1] == " br_table 0 0 0");
    CHECK(lines_of({0x00, 0xfc, 0x0a, 0x00, 0x00})[1] == " memory.copy");
    CHECK(lines_of({0x00, 0xfc, 0x0a, 0x01, 0x00})[1] == " memory.copy 1 0");
    CHECK(lines_of({0x00, 0xfc, 0x0b, 0x01})[1] == " memory.fill 1");
}

TEST_CASE("what a module needs is named as compilers name it", "[wasm]") {
    CHECK(features_of(ModuleBuilder::with_body({})).empty());
    CHECK(features_of(ModuleBuilder::with_body({0x00, 0xc0, 0x1a})) == Names{"sign-ext"});
    CHECK(features_of(ModuleBuilder::with_body({0x00, 0xfc, 0x07, 0x1a})) ==
          Names{"nontrapping-fptoint"});
    CHECK(features_of(ModuleBuilder::with_body({0x12, 0x00})) == Names{"tail-call"});
    CHECK(features_of(ModuleBuilder::with_body({0x00, 0xfd, 0x80, 0x02, 0x1a})) ==
          Names{"relaxed-simd", "simd128"});
    CHECK(features_of(ModuleBuilder::with_body({0x41, 0, 0x41, 0}, {}, {kI32, kI32})) ==
          Names{"multivalue"});
    CHECK(features_of(with_everything({})) == Names{"multimemory"});
}

TEST_CASE("sections are listed as they stand, with their own names", "[wasm]") {
    const auto module = *load(with_everything({}));

    REQUIRE(module->sections.front().name == "type");
    REQUIRE(module->sections.back().name == "name");
    REQUIRE(module->sections.back().is_custom);
    const vm::Section& code = *std::ranges::find(module->sections, "code", &vm::Section::name);
    REQUIRE(code.offset + 2 == module->functions[0].body_offset);
}
