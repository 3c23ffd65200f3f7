#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "tests/unit/vm/twins.hpp"
#include "vm/wasm/meaning.hpp"

namespace sojourn::tests {

namespace {

using test::join;
using test::Raw;
using Slots = std::vector<std::uint64_t>;

/// An instruction on vectors as a function of its operands.
struct LaneCase {
    vm::Opcode opcode;
    std::uint8_t lane = 0;

    [[nodiscard]] std::string name() const {
        return std::string(vm::text_of(opcode)) + '/' + std::to_string(lane);
    }
};

std::vector<LaneCase> all_vector_instructions() {
    std::vector<LaneCase> cases;
    for (std::size_t i = 0; i < vm::kOpcodeCount; ++i) {
        const auto opcode = static_cast<vm::Opcode>(i);
        if (!vm::is_on_vectors(opcode)) continue;
        cases.push_back({opcode});
        if (vm::takes_lane(opcode))
            cases.push_back({opcode, static_cast<std::uint8_t>(vm::lane_count(opcode) - 1)});
    }
    return cases;
}

std::span<const vm::ValueType> operands_of(vm::Opcode opcode) {
    const vm::Signature& signature = vm::info_of(opcode).signature;
    return {signature.operands.data(), signature.operand_count};
}

Raw encoded(std::span<const vm::ValueType> types) {
    Raw codes;
    for (const vm::ValueType type : types)
        codes.push_back(static_cast<std::uint8_t>(type));
    return test::sized(codes);
}

ByteVector module_of(const std::vector<LaneCase>& cases) {
    const Raw count = test::leb(cases.size());
    Raw types = count;
    Raw functions = count;
    Raw exports = count;
    Raw bodies = count;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        const auto& [opcode, lane] = cases[i];
        const auto operands = operands_of(opcode);
        Raw body{0};
        for (std::size_t operand = 0; operand < operands.size(); ++operand)
            body = join({body, {0x20}, test::leb(operand)});
        body = join({body, {vm::kPrefixVector}, test::leb(vm::info_of(opcode).code)});
        if (vm::takes_lane(opcode)) body.push_back(lane);
        body.push_back(0x0b);
        types = join({types,
                      {0x60},
                      encoded(operands),
                      encoded({&*vm::info_of(opcode).signature.result, 1})});
        functions = join({functions, test::leb(i)});
        exports = join({exports, test::sized(test::text(cases[i].name())), {0}, test::leb(i)});
        bodies = join({bodies, test::sized(body)});
    }
    test::ModuleBuilder builder;
    builder.section(1, types).section(3, functions).section(7, exports).section(10, bodies);
    return test::to_bytes(builder.raw());
}

/// Where lanes of any width are extreme, are numbers that hardly convert, or are NaNs of all kinds.
const std::vector<Slots> kVectors{
    {0, 0},
    {UINT64_MAX, UINT64_MAX},
    {0x8000'0000'8000'8080, 0x8000'0000'0000'0000},
    {0x7fff'ffff'7fff'7f7f, 0x7fff'ffff'ffff'ffff},
    {0x0706'0504'0302'0100, 0x1f10'0f0e'8f0c'0b0a},
    {0xffc0'0001'7fa0'0000, 0x8000'0000'7f80'0000},
    {0x7ff0'0000'0000'0001, 0xfff8'0000'0000'0001},
    {0x7ff0'0000'0000'0000, 0x8000'0000'0000'0000},
    {0x4f00'0000'cf00'0001, 0x3fc0'0000'c020'0000},
    {0x41df'ffff'ffe0'0000, 0xc1e0'0000'001c'cccd},
    {0x41ef'ffff'ffff'ffff, 0x3810'0000'0000'0001},
    {0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210},
};

Slots scalars_of(vm::ValueType type) {
    switch (type) {
        case vm::ValueType::i32:
            return {0, 1, 7, 33, 0x8000'0000, UINT32_MAX};
        case vm::ValueType::i64:
            return {0, 1, 0x8000'0000'0000'0000, 0x1234'5678'9abc'def0};
        case vm::ValueType::f32:
            return {0, 0x8000'0000, 0x3fc0'0000, 0x7fa0'0000, 0xffc0'0001};
        default:
            return {0, 0x8000'0000'0000'0000, 0x3ff8'0000'0000'0000, 0x7ff0'0000'0000'0001};
    }
}

std::vector<Slots> values_of(vm::ValueType type) {
    if (type == vm::ValueType::v128) return kVectors;
    std::vector<Slots> values;
    for (const std::uint64_t slot : scalars_of(type))
        values.push_back({slot});
    return values;
}

/// Every combination of two operands; a third one goes along with the first.
std::vector<Slots> arguments_of(std::span<const vm::ValueType> operands) {
    const std::vector<Slots> first = values_of(operands[0]);
    const std::vector<Slots> second =
        operands.size() > 1 ? values_of(operands[1]) : std::vector<Slots>{{}};
    std::vector<Slots> all;
    for (std::size_t i = 0; i < first.size(); ++i) {
        for (const Slots& other : second) {
            Slots slots = first[i];
            slots.insert(slots.end(), other.begin(), other.end());
            if (operands.size() > 2) {
                const Slots& third = kVectors[(i + all.size()) % kVectors.size()];
                slots.insert(slots.end(), third.begin(), third.end());
            }
            all.push_back(slots);
        }
    }
    return all;
}

}  // namespace

TEST_CASE("every instruction on vectors gives the same in both tiers", "[exec][compiled]") {
    const std::vector<LaneCase> cases = all_vector_instructions();
    Twins twins(module_of(cases));
    if (twins.tier == nullptr) return;

    for (const LaneCase& each : cases) {
        INFO(each.name());
        for (const Slots& arguments : arguments_of(operands_of(each.opcode))) {
            CAPTURE(arguments);
            REQUIRE(twins.compiled.call(each.name(), arguments) ==
                    twins.interpreted.call(each.name(), arguments));
        }
    }
    REQUIRE(twins.tier->counts() ==
            std::map<std::string, std::uint64_t>{{"compiled", cases.size()}});
}

TEST_CASE("vectors live across calls and loops in both tiers", "[exec][compiled]") {
    Twins twins(R"((module
        (global $g (mut v128) (v128.const i64x2 5 6))
        (type $f (func (param i32 v128) (result v128 i32)))
        (table 1 funcref)
        (elem (i32.const 0) $leaf)
        (func $leaf (param i32 v128) (result v128 i32)
            (i32x4.add (local.get 1) (i32x4.splat (local.get 0)))
            (local.get 0))
        (func (export "run") (param $count i32) (param $v v128) (param $w i64) (result v128 i64)
            (local $i i32) (local $u v128)
            (v128.const i32x4 1 2 3 4)
            loop $again (param v128) (result v128)
                local.set $u
                (v128.xor (local.get $u) (local.get $v))
                (call $leaf (local.get $i) (local.get $u))
                drop
                local.set $u
                (call_indirect (type $f) (local.get $i) (local.get $u) (i32.const 0))
                drop
                i64x2.add
                (global.set $g (i64x2.add (global.get $g) (local.get $u)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $i) (local.get $count)))
            end
            (i64.add (local.get $w) (i64x2.extract_lane 1 (global.get $g))))))");
    if (twins.tier == nullptr) return;

    REQUIRE(twins.call_in_step("run", {5, 7, 9, 11}).size() == 3);
}

}  // namespace sojourn::tests
