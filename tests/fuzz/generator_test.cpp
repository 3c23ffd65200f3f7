#include <catch2/catch.hpp>

#include "tests/fuzz/generated_module.hpp"
#include "vm/wasm/code_reader.hpp"

using namespace sojourn;
using namespace sojourn::fuzz;

TEST_CASE("every choice makes a valid module, and all of them every instruction of the table",
          "[fuzz]") {
    constexpr std::size_t kModules = 256;
    const Dialect dialect = Dialect::whole();
    std::bitset<vm::kOpcodeCount> seen;

    for (const ByteVector& choices : random_seeds(kModules)) {
        const auto module = vm::load_module(generated_module(choices, dialect));
        INFO((module.ok() ? "" : module.error().message));
        REQUIRE(module.ok());
        for (const vm::Function& function : (*module)->functions) {
            vm::CodeReader reader(**module, function);
            while (reader.offset() < function.end_offset)
                seen.set(static_cast<std::size_t>(reader.next().opcode));
        }
    }

    for (std::size_t row = 0; row < seen.size(); ++row) {
        INFO(vm::text_of(static_cast<vm::Opcode>(row)));
        CHECK(seen[row]);
    }
}

TEST_CASE("no choices at all make a valid module", "[fuzz]") {
    REQUIRE(vm::load_module(generated_module({}, Dialect::whole())).ok());
}
