#include "tests/fuzz/seeds.hpp"
#include "vm/wasm/code_reader.hpp"
#include "vm/wasm/module.hpp"

namespace sojourn::fuzz {

Seeds seeds_of_module() {
    return module_seeds();
}

void run_module(Bytes input) {
    const auto module = vm::load_module(to_vector(input));
    if (!module.ok()) return;
    for (const vm::Function& function : (*module)->functions) {
        vm::CodeReader reader(**module, function);
        while (reader.offset() < function.end_offset)
            reader.next();
        EXPECTS(reader.offset() == function.end_offset, "a valid body ends where it says");
    }
}

}  // namespace sojourn::fuzz
