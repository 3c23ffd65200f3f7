#include <random>

#include <catch2/catch.hpp>

#include "tests/support/module_builder.hpp"
#include "vm/wasm/code_reader.hpp"

using namespace sojourn;
using namespace sojourn::test;

namespace {

/// Branches, blocks with values, a memory, a table and calls: many ways to go wrong.
Raw seedling() {
    ModuleBuilder builder;
    builder.function_type({kI32}, {kI32}).section(3, {2, 0, 0});
    builder.section(4, {1, kFuncref, 0, 2}).section(5, {1, 0, 1});
    builder.section(9, {1, 0, 0x41, 0, 0x0b, 2, 0, 1});
    builder.code({
        {1,    1,    kI64, 0x02, 0x40, 0x03, 0x40, 0x20, 0x00, 0x0e, 0x01, 0x00, 0x01, 0x0b,
         0x0b,  //
         0x20, 0x00, 0x28, 0x02, 0x08, 0x04, kI32, 0x41, 0x07, 0x05, 0x41, 0x08, 0x0b, 0x0b},
        {0, 0x20, 0x00, 0x10, 0x00, 0x41, 0x01, 0x11, 0x00, 0x00, 0xfc, 0x10, 0x00, 0x6a, 0x0b},
    });
    return builder.raw();
}

Raw mutated(Raw bytes, std::mt19937& random) {
    const auto below = [&](std::size_t count) { return random() % count; };
    for (std::size_t i = 1 + below(3); i > 0; --i) {
        const auto place = bytes.begin() + static_cast<long>(below(bytes.size()));
        switch (below(3)) {
            case 0:
                *place = static_cast<std::uint8_t>(random());
                break;
            case 1:
                bytes.erase(place);
                break;
            default:
                bytes.insert(place, static_cast<std::uint8_t>(random()));
                break;
        }
    }
    return bytes;
}

}  // namespace

TEST_CASE("whatever is changed in a module, it is refused or its bodies can be walked", "[wasm]") {
    constexpr unsigned kSeeds = 20'000;
    const Raw original = seedling();
    REQUIRE(load(original).ok());
    unsigned accepted = 0;

    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        std::mt19937 random(seed);
        const auto result = load(mutated(original, random));
        if (!result.ok()) continue;
        ++accepted;
        for (const vm::Function& function : (*result)->functions) {
            vm::CodeReader reader(**result, function);
            while (reader.offset() < function.end_offset)
                reader.next();
            INFO("seed " << seed);
            REQUIRE(reader.offset() == function.end_offset);
        }
    }

    REQUIRE(accepted > kSeeds / 500);
    REQUIRE(accepted < kSeeds / 2);
}

TEST_CASE("whatever is changed in a module, late validation finds what early validation does",
          "[wasm]") {
    constexpr unsigned kSeeds = 20'000;
    const Raw original = seedling();
    unsigned late_refusals = 0;

    for (unsigned seed = 1; seed <= kSeeds; ++seed) {
        std::mt19937 random(seed);
        const Raw bytes = mutated(original, random);
        const auto whole = vm::load_module(to_bytes(bytes));
        const auto lazy = vm::load_module(to_bytes(bytes), vm::BodyValidation::lazy);
        INFO("seed " << seed);
        bool is_valid = lazy.ok();
        for (std::uint32_t i = 0; lazy.ok() && i < (*lazy)->functions.size(); ++i) {
            if (i < (*lazy)->imported_functions) continue;
            const auto function = vm::validated_function(**lazy, i);
            is_valid = is_valid && function.ok();
            if (!whole.ok() || !function.ok()) continue;
            const vm::Function& expected = (*whole)->functions[i];
            REQUIRE(function->code_offset == expected.code_offset);
            REQUIRE(function->end_offset == expected.end_offset);
            REQUIRE(function->local_slots == expected.local_slots);
            REQUIRE(function->operand_slots_max == expected.operand_slots_max);
        }
        REQUIRE(is_valid == whole.ok());
        if (lazy.ok() && !is_valid) ++late_refusals;
    }

    REQUIRE(late_refusals > kSeeds / 500);
}
