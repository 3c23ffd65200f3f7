#pragma once

#include <cstdint>

/// What gdb looks for, by name and by layout, in every file of a host process that makes code ("JIT
/// Compilation Interface" of its manual): a list of objects, and a function that it stops at.
extern "C" {
struct jit_code_entry {
    jit_code_entry* next_entry;
    jit_code_entry* prev_entry;
    const char* symfile_addr;
    std::uint64_t symfile_size;
};
struct jit_descriptor {
    std::uint32_t version;
    std::uint32_t action_flag;
    jit_code_entry* relevant_entry;
    jit_code_entry* first_entry;
};
extern jit_descriptor __jit_debug_descriptor;
/// gdb stops here whenever it is called, and then looks at the descriptor.
void __jit_debug_register_code();
}
