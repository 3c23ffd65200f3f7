#include <catch2/catch.hpp>

#include "vm/wasm/defined_type.hpp"

namespace sojourn::tests {

namespace {

using vm::DefinedType;
using vm::HeapType;
using vm::ValueType;

DefinedType function_of(std::vector<ValueType> parameters, std::vector<ValueType> results = {}) {
    DefinedType type;
    type.is_final = false;
    type.function = {std::move(parameters), std::move(results)};
    return type;
}

}  // namespace

TEST_CASE("groups are the same when their types are, wherever they stand", "[wasm][types]") {
    vm::TypeGroups groups;
    const std::vector at_0{function_of({vm::reference_to_type(0, true)})};
    const std::vector at_3{function_of({vm::reference_to_type(3, true)})};
    const std::vector other{function_of({vm::reference_to_type(0, false)})};

    REQUIRE(groups.find_or_add(at_0, 0) == 0);
    REQUIRE(groups.find_or_add(at_3, 3) == 0);
    REQUIRE(groups.find_or_add(other, 4) == 0 + 4);
    REQUIRE(groups.find_or_add(at_0, 5) == 5);  // refers out of its group, to 0
}

TEST_CASE("a reference fits where its type or one above is asked for", "[wasm][types]") {
    std::vector types{function_of({}), function_of({}), function_of({})};
    types[1].supertype = 0;
    const auto reference = [](std::uint32_t index) { return vm::reference_to_type(index, false); };
    const auto fits = [&](ValueType type, ValueType wanted) {
        return vm::fits(types, type, wanted);
    };

    REQUIRE(fits(reference(1), reference(0)));
    REQUIRE_FALSE(fits(reference(0), reference(1)));
    REQUIRE_FALSE(fits(reference(2), reference(0)));
    REQUIRE(fits(reference(1), ValueType::funcref));
    REQUIRE_FALSE(fits(ValueType::funcref, reference(1)));
    REQUIRE_FALSE(fits(vm::nullable(reference(1)), reference(1)));
    REQUIRE(fits(vm::reference_to(HeapType::nofunc, false), reference(2)));
    REQUIRE_FALSE(fits(vm::reference_to(HeapType::none, false), reference(2)));
    REQUIRE(fits(vm::reference_to(HeapType::bottom, false), ValueType::externref));
    REQUIRE_FALSE(fits(ValueType::i32, ValueType::i64));
}

TEST_CASE("a function may stand for one that takes less and gives more general values",
          "[wasm][types]") {
    const ValueType general = ValueType::funcref;
    const ValueType special = vm::reference_to(HeapType::nofunc, false);
    const std::vector types{function_of({special}, {general}), function_of({general}, {special})};

    REQUIRE(vm::extends(types, types[1], types[0]));
    REQUIRE_FALSE(vm::extends(types, types[0], types[1]));
}

}  // namespace sojourn::tests
