#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/unit/vm/exec_fixture.hpp"
#include "vm/exec/handler.hpp"

using namespace sojourn;
using namespace sojourn::tests;

namespace {

struct Pair {
    std::string first;
    bool first_has_constant;
    std::string second;
    bool second_has_constant;
};

/// `i32_add` as text has it.
std::string text_of(std::string opcode) {
    opcode[3] = '.';
    return opcode;
}

std::vector<Pair> pairs() {
    return {
#define PAIR(first, first_form, second, second_form)                                     \
    Pair{text_of(#first), std::string_view(#first_form) == "constant", text_of(#second), \
         std::string_view(#second_form) == "constant"},
#include "vm/exec/pairs.def"
#undef PAIR
    };
}

/// Functions of two parameters that compute the same, `apart` one instruction at a time: what is
/// before the end of a block is not joined with what is behind it.
std::string module_of(const Pair& pair, const std::string& constant) {
    const std::string type = pair.second.substr(0, 3);
    const auto number = [&](bool is_constant, int parameter) {
        return is_constant ? fmt::format("({}.const {})", type, constant)
                           : fmt::format("(local.get {})", parameter);
    };
    const std::string inner =
        fmt::format("({} (local.get 0) {})", pair.first, number(pair.first_has_constant, 1));
    const std::string apart = fmt::format("(block (result {}) (br 0 {}))", type, inner);
    const std::string kept = fmt::format("(local.tee 2 {})", inner);
    const std::string other = number(pair.second_has_constant, 1);
    const auto function = [&](const std::string& name, const std::string& body) {
        return fmt::format("(func (export \"{0}\") (param {1} {1}) (result {1}) (local {1}) {2})",
                           name, type, body);
    };
    return "(module " + function("joined", fmt::format("({} {} {})", pair.second, inner, other)) +
           function("swapped", fmt::format("({} {} {})", pair.second, other, inner)) +
           function("apart", fmt::format("({} {} {})", pair.second, apart, other)) +
           function("kept", fmt::format("({0}.add ({1} {2} {3}) (local.get 2))", type, pair.second,
                                        kept, other)) +
           function("kept_apart",
                    fmt::format("({0}.add ({1} {2} {3}) {2})", type, pair.second, apart, other)) +
           ")";
}

/// Those that a function may end with in one operation: text and type of the result.
std::vector<std::pair<std::string, std::string>> returned_instructions() {
    std::vector<std::pair<std::string, std::string>> all;
#define OPCODE(name, text, ...)                                               \
    if (vm::has_form(vm::Opcode::name, vm::Form::result)) {                   \
        const auto result = vm::info_of(vm::Opcode::name).signature.result;   \
        all.emplace_back(text, result == vm::ValueType::i32 ? "i32" : "i64"); \
    }
#include "vm/wasm/opcodes.def"
#undef OPCODE
    return all;
}

}  // namespace

TEST_CASE("a function returns what its last instruction gives", "[vm][exec]") {
    const auto instructions = returned_instructions();
    std::string module;
    for (const auto& [text, result] : instructions) {
        const auto function = [&, &text = text, &result = result](std::string_view suffix,
                                                                  const std::string& body) {
            module += fmt::format(
                "(func (export \"{0}{1}\") (param {2} {2}) (result {3}) (local {3}) {4})", text,
                suffix, text.substr(0, 3), result, body);
        };
        const std::string of_slots = fmt::format("({} (local.get 0) (local.get 1))", text);
        const std::string of_constant =
            fmt::format("({} (local.get 0) ({}.const -7))", text, text.substr(0, 3));
        function("", of_slots);
        function(" by local", fmt::format("(local.set 2 {}) (local.get 2)", of_slots));
        function(" apart", fmt::format("(block (result {}) (br 0 {}))", result, of_slots));
        function(" constant", of_constant);
        function(" constant apart",
                 fmt::format("(block (result {}) (br 0 {}))", result, of_constant));
    }
    MachineFixture fixture(assemble("(module " + module + ")"));

    for (const auto& [text, result] : instructions) {
        for (const auto& [a, b] : {std::pair{0x12345678U, 0x9abcdef0U},
                                   {0xfffffff9U, 0xfffffff9U},
                                   {0x80000000U, 33U},
                                   {3U, 31U}}) {
            INFO(text << ", " << a << ", " << b);
            const std::vector<std::uint64_t> arguments{a, b};
            const std::uint64_t apart = fixture.value_of(text + " apart", arguments);
            REQUIRE(fixture.value_of(text, arguments) == apart);
            REQUIRE(fixture.value_of(text + " by local", arguments) == apart);
            REQUIRE(fixture.value_of(text + " constant", arguments) ==
                    fixture.value_of(text + " constant apart", arguments));
        }
    }
    REQUIRE(instructions.size() > 40);
}

TEST_CASE("two instructions in one do what each of them does", "[vm][exec]") {
    for (const Pair& pair : pairs()) {
        // A constant that fits a slot's number, and two that do not.
        for (const char* constant : {"7", "65536", "-8"}) {
            INFO(pair.first << ", " << pair.second << ", " << constant);
            MachineFixture fixture(assemble(module_of(pair, constant)));
            for (const auto& [a, b] : {std::pair{0x12345678U, 0x9abcdef0U},
                                       {0xffffffffU, 1U},
                                       {0x80000000U, 0x80000000U},
                                       {3U, 31U}}) {
                const std::vector<std::uint64_t> arguments{a, b};
                const std::uint64_t apart = fixture.value_of("apart", arguments);
                REQUIRE(fixture.value_of("joined", arguments) == apart);
                REQUIRE(fixture.value_of("swapped", arguments) == apart);
                REQUIRE(fixture.value_of("kept", arguments) ==
                        fixture.value_of("kept_apart", arguments));
            }
        }
    }
}
