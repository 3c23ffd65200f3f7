#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "vm/wasm/code_reader.hpp"

using namespace sojourn;
using namespace sojourn::test;
using vm::CodeReader;
using vm::Instruction;
using vm::Opcode;

TEST_CASE("every row of the table is found by its encoding", "[wasm]") {
    for (std::size_t i = 0; i < vm::kOpcodeCount; ++i) {
        const vm::OpcodeInfo& info = vm::kOpcodes[i];

        INFO(info.name);
        REQUIRE(vm::find_opcode(info.prefix, info.code) == static_cast<Opcode>(i));
    }
    REQUIRE_FALSE(vm::find_opcode(0x00, 0x16));
    REQUIRE_FALSE(vm::find_opcode(vm::kPrefixNumeric, 0x12));
    REQUIRE_FALSE(vm::find_opcode(vm::kPrefixNumeric, 0x1'0000));
}

TEST_CASE("a code reader hands out a body's instructions with their places", "[wasm]") {
    const auto module = *load(ModuleBuilder::with_body({
        0x41, 0x7f,                                            // i32.const -1
        0x42, 0x80, 0x7f,                                      // i64.const -128
        0x43, 0x00, 0x00, 0xc0, 0x7f,                          // f32.const nan
        0x44, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,  // f64.const
        0x1a, 0x1a, 0x1a, 0x1a,                                // drop
    }));
    const vm::Function& function = module->functions[0];
    CodeReader reader(*module, function);

    REQUIRE(reader.offset() == function.code_offset);
    REQUIRE(reader.next().constant == 0xffff'ffff);
    REQUIRE(reader.next().constant == static_cast<std::uint64_t>(-128));
    REQUIRE(reader.next().constant == 0x7fc0'0000);
    const Instruction& last_constant = reader.next();
    REQUIRE(last_constant.opcode == Opcode::f64_const);
    REQUIRE(last_constant.constant == 0x0807'0605'0403'0201);
    REQUIRE(last_constant.offset == function.code_offset + 10);
    REQUIRE(last_constant.end_offset == function.code_offset + 19);
    for (int i = 0; i < 4; ++i)
        REQUIRE(reader.next().opcode == Opcode::drop);
    REQUIRE(reader.next().opcode == Opcode::end);
    REQUIRE(reader.offset() == function.end_offset);
}

TEST_CASE("a table of branches has its labels and its default last", "[wasm]") {
    const auto module = *load(
        ModuleBuilder::with_body({0x02, 0x40, 0x41, 0x00, 0x0e, 0x02, 0x01, 0x00, 0x01, 0x0b}));
    CodeReader reader(*module, module->functions[0]);

    REQUIRE(reader.next().opcode == Opcode::block);
    REQUIRE(reader.next().opcode == Opcode::i32_const);
    const Instruction& table = reader.next();

    REQUIRE(table.opcode == Opcode::br_table);
    REQUIRE(std::vector(table.labels.begin(), table.labels.end()) ==
            std::vector<std::uint32_t>{1, 0, 1});
}

TEST_CASE("a block's type is nothing, a value or a function type", "[wasm]") {
    const auto module = *load(ModuleBuilder::with_body(
        {0x02, 0x40, 0x0b, 0x02, kF64, 0x44, 0,    0,    0,    0,    0,    0,
         0,    0,    0x0b, 0x1a,                                                   // values
         0x41, 0x00, 0x02, 0x80, 0x00, 0x1a, 0x41, 0x00, 0x0b, 0x1a, 0x41, 0x01},  // type 0
        {kI32}, {kI32}));
    CodeReader reader(*module, module->functions[0]);
    const auto next_block = [&]() -> const Instruction& {
        while (true) {
            const Instruction& instruction = reader.next();
            if (instruction.opcode == Opcode::block) return instruction;
        }
    };

    REQUIRE(next_block().block.results(*module).empty());
    const auto value = next_block().block;
    REQUIRE(value.parameters(*module).empty());
    REQUIRE(value.results(*module).front() == vm::ValueType::f64);
    const auto typed = next_block().block;
    REQUIRE(typed.type_index() == 0);
    REQUIRE(typed.parameters(*module).front() == vm::ValueType::i32);
}
