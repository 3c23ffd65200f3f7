#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"

using namespace sojourn;
using namespace sojourn::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::string refusal(const ModuleBuilder& builder) {
    const auto result = load(builder);
    REQUIRE(result.error().code == ErrorCode::invalid_module);
    return result.error().message;
}

std::string refusal(const Raw& body, const Raw& parameters = {}, const Raw& results = {}) {
    return refusal(ModuleBuilder::with_body(body, parameters, results));
}

bool accepts(const Raw& body, const Raw& parameters = {}, const Raw& results = {}) {
    return load(ModuleBuilder::with_body(body, parameters, results)).ok();
}

/// A module with a memory of one page and this body.
ModuleBuilder with_memory(const Raw& body) {
    ModuleBuilder builder;
    builder.function_type({}, {}).section(3, {1, 0}).section(5, {1, 0, 1});
    builder.code({join({{0}, body, {0x0b}})});
    return builder;
}

Raw repeated(const Raw& part, std::size_t times) {
    Raw result;
    for (std::size_t i = 0; i < times; ++i)
        result.insert(result.end(), part.begin(), part.end());
    return result;
}

}  // namespace

TEST_CASE("a mismatch says what was wanted, what was found and where", "[wasm]") {
    REQUIRE(refusal({0x41, 0x00, 0x42, 0x00, 0x6a, 0x1a}) ==
            "type mismatch: i32.add wants i32 and finds i64 (function 0, byte 0x1b)");
    REQUIRE_THAT(refusal({0x6a, 0x1a}), Contains("wants i32 and finds nothing"));
    REQUIRE_THAT(refusal({0x1a}), Contains("drop wants a value and finds nothing"));
    REQUIRE_THAT(refusal({0x41, 0x00}), Contains("end wants no more values"));
    REQUIRE_THAT(refusal({}, {}, {kI32}), Contains("end wants i32 and finds nothing"));
}

TEST_CASE("a block cannot reach the operands below it", "[wasm]") {
    REQUIRE_THAT(refusal({0x41, 0x00, 0x02, 0x40, 0x1a, 0x0b}), StartsWith("type mismatch"));
}

TEST_CASE("after a branch any operand is there", "[wasm]") {
    REQUIRE(accepts({0x00, 0x6a, 0x1a}));
    REQUIRE(accepts({0x0c, 0x00, 0x45, 0x1a, 0x1b, 0x1a}));
    REQUIRE(accepts({0x00, 0x41, 0x00, 0x1b}, {}, {kF64}));
    REQUIRE_THAT(refusal({0x00, 0x42, 0x00, 0x45, 0x1a}), Contains("wants i32 and finds i64"));
}

TEST_CASE("an index that nothing stands behind is unknown", "[wasm]") {
    REQUIRE_THAT(refusal({0x20, 0x01, 0x1a}, {kI32}), StartsWith("unknown local 1"));
    REQUIRE_THAT(refusal({0x23, 0x00, 0x1a}), StartsWith("unknown global 0"));
    REQUIRE_THAT(refusal({0x0c, 0x01}), StartsWith("unknown label 1"));
    REQUIRE_THAT(refusal({0x10, 0x01}), StartsWith("unknown function 1"));
    REQUIRE_THAT(refusal({0x02, 0x07, 0x0b}), StartsWith("unknown type 7"));
    REQUIRE_THAT(refusal({0x41, 0x00, 0x11, 0x00, 0x00}), StartsWith("unknown table 0"));
    REQUIRE_THAT(refusal({0x3f, 0x00, 0x1a}), StartsWith("unknown memory 0"));
    REQUIRE_THAT(refusal({0xfc, 0x0d, 0x00}), StartsWith("unknown elem segment 0"));
}

TEST_CASE("an access is aligned to its width at most", "[wasm]") {
    REQUIRE(load(with_memory({0x41, 0x00, 0x28, 0x02, 0x00, 0x1a})).ok());
    REQUIRE_THAT(refusal(with_memory({0x41, 0x00, 0x28, 0x03, 0x00, 0x1a})),
                 StartsWith("alignment must not be larger than natural"));
    REQUIRE_THAT(refusal(with_memory({0x41, 0x00, 0x30, 0x01, 0x00, 0x1a})),
                 StartsWith("alignment must not be larger than natural"));
}

TEST_CASE("an if without else leaves what it takes", "[wasm]") {
    REQUIRE(accepts({0x41, 0x00, 0x04, 0x40, 0x0b}));
    REQUIRE_THAT(refusal({0x41, 0x00, 0x04, kI32, 0x41, 0x00, 0x0b, 0x1a}),
                 StartsWith("type mismatch"));
    REQUIRE(accepts({0x41, 0x00, 0x04, kI32, 0x41, 0x00, 0x05, 0x41, 0x01, 0x0b, 0x1a}));
}

TEST_CASE("an else outside of an if is malformed", "[wasm]") {
    REQUIRE(load(ModuleBuilder::with_body({0x05})).error().code == ErrorCode::malformed_module);
}

TEST_CASE("the labels of a table of branches take as many operands", "[wasm]") {
    const Raw to_value_and_to_nothing = {0x02, kI32, 0x02, 0x40, 0x41, 0x00, 0x41, 0x00,
                                         0x0e, 0x01, 0x00, 0x01, 0x0b, 0x00, 0x0b, 0x1a};

    REQUIRE_THAT(refusal(to_value_and_to_nothing), StartsWith("type mismatch: br_table"));
}

TEST_CASE("a loop's label takes the loop's parameters, a block's its results", "[wasm]") {
    REQUIRE(accepts({0x02, kI32, 0x41, 0x00, 0x0c, 0x00, 0x0b, 0x1a}));
    REQUIRE(accepts({0x03, kI32, 0x0c, 0x00, 0x0b, 0x1a}));
}

TEST_CASE("ref.func names functions that are declared outside of bodies", "[wasm]") {
    REQUIRE_THAT(refusal({0xd2, 0x00, 0x1a}), StartsWith("undeclared function reference 0"));

    ModuleBuilder declared;
    declared.function_type({}, {}).section(3, {1, 0}).section(9, {1, 3, 0, 1, 0});
    declared.code({{0, 0xd2, 0x00, 0x1a, 0x0b}});
    REQUIRE(load(declared).ok());
}

TEST_CASE("a global that is not mutable is not set", "[wasm]") {
    ModuleBuilder builder;
    builder.function_type({}, {}).section(3, {1, 0}).section(6, {1, kI32, 0, 0x41, 0, 0x0b});
    builder.code({{0, 0x41, 0x00, 0x24, 0x00, 0x0b}});

    REQUIRE_THAT(refusal(builder), StartsWith("global is immutable"));
}

TEST_CASE("references are selected with their type alone", "[wasm]") {
    const Raw two_nulls = {0xd0, kFuncref, 0xd0, kFuncref, 0x41, 0x00};

    REQUIRE_THAT(refusal(join({two_nulls, {0x1b, 0x1a}})), StartsWith("type mismatch"));
    REQUIRE(accepts(join({two_nulls, {0x1c, 1, kFuncref, 0x1a}})));
    REQUIRE_THAT(refusal(join({two_nulls, {0x1c, 0, 0x1a}})), StartsWith("invalid result arity"));
}

TEST_CASE("code that names data segments has their count before it", "[wasm]") {
    const auto result = load(with_memory({0xfc, 0x09, 0x00}));

    REQUIRE(result.error().code == ErrorCode::malformed_module);
    REQUIRE_THAT(result.error().message, StartsWith("data count section required"));
}

TEST_CASE("a body says where it lies, what its locals are and how high its operands get",
          "[wasm]") {
    ModuleBuilder builder;
    builder.function_type({kI32}, {}).section(3, {1, 0});
    builder.code(
        {{2, 2, kI64, 1, kF32, 0x41, 0x00, 0x41, 0x00, 0x41, 0x00, 0x1a, 0x1a, 0x1a, 0x0b}});

    const auto module = *load(builder);

    const vm::Function& function = module->functions[0];
    REQUIRE(function.local_count == 4);
    REQUIRE(function.local_runs.size() == 2);
    REQUIRE(function.local_runs[0] == std::pair(2U, vm::ValueType::i64));
    REQUIRE(function.operand_slots_max == 3);
    REQUIRE(function.code_offset == function.body_offset + 5);
    REQUIRE(function.end_offset == module->bytes.size());
}

TEST_CASE("a body ends with its last end", "[wasm]") {
    const auto more = load(ModuleBuilder::with_body({0x0b}));
    ModuleBuilder less;
    less.function_type({}, {}).section(3, {1, 0}).code({{0, 0x01}});

    REQUIRE(more.error().code == ErrorCode::malformed_module);
    REQUIRE_THAT(more.error().message, StartsWith("section size mismatch"));
    REQUIRE_THAT(load(less).error().message, StartsWith("unexpected end"));
}

TEST_CASE("blocks may be nested as deeply as the bytes allow", "[wasm]") {
    constexpr std::size_t kDepth = 200'000;

    REQUIRE(accepts(join({repeated({0x02, 0x40}, kDepth), repeated({0x0b}, kDepth)})));
}

TEST_CASE("more locals or operands than the limits are unsupported, not fatal", "[wasm]") {
    const auto with_locals = [](const Raw& runs) {
        ModuleBuilder builder;
        builder.function_type({}, {}).section(3, {1, 0}).code({join({runs, {0x0b}})});
        return load(builder).error();
    };
    const Raw most = {0xff, 0xff, 0xff, 0xff, 0x0f};

    REQUIRE(with_locals(join({{1}, most, {kI32}})).code == ErrorCode::unsupported);
    REQUIRE_THAT(with_locals(join({{2}, most, {kI32, 1, kI32}})).message,
                 StartsWith("too many locals"));
    const auto high = load(ModuleBuilder::with_body(repeated({0x41, 0x00}, 65'001)));
    REQUIRE(high.error().code == ErrorCode::unsupported);
}
